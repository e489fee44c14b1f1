import { setting } from 'waybill/adapter';

/** The scopes a caller needs for a method. */
export interface MethodScopes {
  /** Upper case, or `*`. */
  readonly method: string;
  /** All of them are required. */
  readonly scopes: readonly string[];
}

/** Parses `GET: results.read`. */
export const methodScopes: setting.Setting<MethodScopes, string> = {
  kind: 'text',
  help: 'A method with the scopes it needs, all of them, such as POST: results.write.',
  example: 'POST: results.write',
  read: (given) => {
    const [, method = '', rest = ''] =
      typeof given === 'string' ? (/^\s*([A-Za-z]+|\*)\s*:\s*(\S.*)$/.exec(given) ?? []) : [];
    const scopes = rest.split(/[\s,]+/).filter((one) => one !== '');
    return scopes.length === 0
      ? setting.bad('must be a method and its scopes, such as GET: results.read')
      : setting.good({ method: method.toUpperCase(), scopes });
  },
};

/** The scopes a method needs; those of `*` if it is not named. */
export function scopesFor(method: string, rules: readonly MethodScopes[]): readonly string[] {
  const own = rules.filter((rule) => rule.method === method);
  const found = own.length > 0 ? own : rules.filter((rule) => rule.method === '*');
  return found.flatMap(({ scopes }) => scopes);
}
