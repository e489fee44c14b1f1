import type { TokenVerdict } from '../entra/entra-tokens.ts';
import { GraphRefusal } from './graph-refusal.ts';

/** Who gets in: what Entra says of a token, and what Exchange allows the application. */
export interface GateRules {
  readonly validate: (token: string) => Promise<TokenVerdict>;
  /** Mailboxes outside the application's scope (RBAC for Applications). */
  readonly denied: ReadonlySet<string>;
  /** Mailboxes that are not in Exchange Online, or have no licence. */
  readonly inactive: ReadonlySet<string>;
  /** Mailboxes of a tenant without Exchange Online: what stands behind Graph refuses, and Graph has no word for it. */
  readonly unknown: ReadonlySet<string>;
  readonly known: (mailbox: string) => boolean;
}

const AUDIENCES = new Set(['https://graph.microsoft.com', '00000003-0000-0000-c000-000000000000']);

/** The id of the application that asks; throws a 401, 403 or 404 in the words of Graph. */
export async function checkAccess(
  authorization: string | undefined,
  { mailbox, roles }: { readonly mailbox: string; readonly roles: readonly string[] },
  rules: GateRules,
): Promise<string> {
  const [, token] = /^Bearer (.+)$/.exec(authorization ?? '') ?? [];
  if (token === undefined) throw unauthorized('Access token is empty.');
  const verdict = await rules.validate(token);
  if (!verdict.valid) throw unauthorized(verdict.reason);
  const { claims } = verdict;
  if (!AUDIENCES.has(claims.aud)) {
    throw unauthorized('Access token validation failure. Invalid audience.');
  }
  if (claims.roles.length === 0) {
    throw new GraphRefusal(
      401,
      'NoPermissionsInAccessToken',
      'The token contains no permissions, or permissions can not be understood.',
    );
  }
  if (!roles.some((role) => claims.roles.includes(role))) {
    throw new GraphRefusal(
      403,
      'ErrorAccessDenied',
      'Access is denied. Check credentials and try again.',
    );
  }
  if (rules.unknown.has(mailbox)) throw new GraphRefusal(401, 'UnknownError', '');
  if (!rules.known(mailbox)) {
    throw new GraphRefusal(404, 'ErrorInvalidUser', `The requested user '${mailbox}' is invalid.`);
  }
  if (rules.inactive.has(mailbox)) {
    throw new GraphRefusal(
      404,
      'MailboxNotEnabledForRESTAPI',
      'The mailbox is either inactive, soft-deleted, or is hosted on-premise.',
    );
  }
  if (rules.denied.has(mailbox)) {
    throw new GraphRefusal(
      403,
      'ErrorAccessDenied',
      'Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.',
    );
  }
  return claims.appid;
}

function unauthorized(message: string): GraphRefusal {
  return new GraphRefusal(401, 'InvalidAuthenticationToken', message, {
    'www-authenticate':
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="invalid_token"',
  });
}

/** Counts the requests that an application has under way at a mailbox; Outlook takes four. */
export class Concurrency {
  readonly #most: number;
  readonly #underWay = new Map<string, number>();
  /** The most there ever were. */
  peak = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Throws a 429 if there are too many; otherwise call what it returns when the request is over. */
  enter(key: string): () => void {
    const now = (this.#underWay.get(key) ?? 0) + 1;
    if (now > this.#most) {
      throw new GraphRefusal(
        429,
        'ApplicationThrottled',
        'Application is over its MailboxConcurrency limit.',
        { 'retry-after': '1' },
      );
    }
    this.#underWay.set(key, now);
    this.peak = Math.max(this.peak, now);
    return () => this.#underWay.set(key, (this.#underWay.get(key) ?? 1) - 1);
  }
}
