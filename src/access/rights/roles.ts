import { EngineError } from '../../error/engine-error.ts';
import { nearest } from '../../error/nearest.ts';
import { PERMISSIONS, type Permission } from './principal.ts';

const VIEWER: readonly Permission[] = [
  'dashboard.view',
  'production.view',
  'queue.view',
  'message.search',
  'event.view',
];
const OPERATOR: readonly Permission[] = [
  ...VIEWER,
  'message.content',
  'host.control',
  'queue.abort',
  'message.resend',
  'deadletter.discard',
  'alert.ack',
  'connection.test',
];
const ENGINEER: readonly Permission[] = [
  ...OPERATOR,
  'message.content.unmasked',
  'message.export',
  'message.edit_resend',
  'message.send_test',
  'message.bulk',
  'host.settings.override',
  'alert.manage',
  'config.view',
  'config.deploy',
  'purge.manage',
];

/** Roles every installation has. */
export const BUILT_IN_ROLES: Roles = new Map<string, readonly Permission[]>([
  ['viewer', VIEWER],
  ['operator', OPERATOR],
  ['engineer', ENGINEER],
  ['auditor', ['dashboard.view', 'event.view', 'audit.view', 'config.view']],
  ['administrator', PERMISSIONS],
]);

/** Name of a role → what it allows. */
export type Roles = ReadonlyMap<string, readonly Permission[]>;

/** Throws CONFIG_INVALID for a role that does not exist, with the nearest that does. */
export function checkRoles(named: readonly string[], roles: Roles): void {
  for (const name of named) {
    if (roles.has(name)) continue;
    const near = nearest(name, [...roles.keys()]);
    const hint =
      near === undefined ? `there are ${[...roles.keys()].join(', ')}` : `did you mean ${near}?`;
    throw new EngineError('CONFIG_INVALID', `there is no role ${name}; ${hint}`);
  }
}

/** Everything that the roles allow together; a role that is not known allows nothing. */
export function permissionsOf(named: readonly string[], roles: Roles): Set<Permission> {
  return new Set(named.flatMap((name) => roles.get(name) ?? []));
}
