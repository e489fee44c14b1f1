import { EngineError } from '../../error/engine-error.ts';

/** What a scope is matched against. */
export interface ScopedHost {
  readonly name: string;
  readonly tags: readonly string[];
}

/** Sees every host. */
export const EVERYTHING: readonly string[] = ['*'];

/** Throws CONFIG_INVALID for an invalid scope. */
export function checkScope(scope: readonly string[]): void {
  for (const one of scope) {
    if (one === '*' || /^(?:host|tag):\S+$/.test(one)) continue;
    throw new EngineError(
      'CONFIG_INVALID',
      `${one} is not a scope: write *, host:<name or pattern with *>, or tag:<name>`,
    );
  }
}

/** The names of the hosts in a scope; undefined for everything. An empty scope sees nothing. */
export function hostsInScope(
  scope: readonly string[],
  hosts: readonly ScopedHost[],
): readonly string[] | undefined {
  if (scope.includes('*')) return undefined;
  const tests = scope.map(matches);
  return hosts.filter((host) => tests.some((test) => test(host))).map(({ name }) => name);
}

function matches(one: string): (host: ScopedHost) => boolean {
  const [kind, ...rest] = one.split(':');
  const wanted = rest.join(':');
  if (kind === 'tag') return ({ tags }) => tags.includes(wanted);
  if (kind !== 'host') return () => false;
  const pattern = new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`))
      .join('.*')}$`,
  );
  return ({ name }) => pattern.test(name);
}
