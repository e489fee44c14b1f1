/** What a person or a machine may be allowed to do. Names are API: they stand in roles, in the OpenAPI document and in the audit log. */
export const PERMISSIONS = [
  'dashboard.view',
  'production.view',
  'host.control',
  'host.settings.override',
  'queue.view',
  'queue.abort',
  'message.search',
  'message.content',
  'message.content.unmasked',
  'message.export',
  'message.resend',
  'message.edit_resend',
  'message.send_test',
  'message.bulk',
  'deadletter.discard',
  'alert.ack',
  'alert.manage',
  'event.view',
  'audit.view',
  'config.view',
  'config.deploy',
  'connection.test',
  'user.manage',
  'token.manage',
  'purge.manage',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/** Who asks, and what they may. One a request, made by the sign-in. */
export interface Principal {
  /** Shown in the trace and the audit log. */
  readonly name: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** Hosts whose messages may be seen: ANDed into every query. `undefined` sees all. */
  readonly visibleHosts: readonly string[] | undefined;
  /** Whether bodies are shown as they are; otherwise they are masked on the server. */
  readonly unmasked: boolean;
  /** How they came in: `local`, `oidc`, `header`, `token`. */
  readonly via: string;
  /** Of Waybill's own, if one was shown. */
  readonly token?: number | undefined;
  /** Must come back as `x-csrf-token` with everything but a GET, where a browser signs in by itself (cookie, proxy). */
  readonly csrfToken?: string | undefined;
  /** Until the password is changed nothing else is allowed. */
  readonly mustChangePassword?: boolean | undefined;
}
