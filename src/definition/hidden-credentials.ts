import type { Settings } from '../adapter/setting.ts';
import { credentialKinds } from '../credential/kind/credential-kinds.ts';

/** Keys whose values are secrets wherever they are, such as in variables of code. */
export const SECRET_NAME =
  /(?:password|passphrase|secret|token|api_?key|private_?key|access_?key|connection_?string)$/i;
/** A reference to where a secret is, which anybody may see. */
export const SECRET_REFERENCE = /^["']?\s*\$\{[^}]*\}\s*["']?$/;

/** What kinds of credentials declare: of one, or of every kind if its name is none. */
export function declaredSettings(kind: string | undefined): readonly Settings[] {
  const kinds: Readonly<Record<string, { readonly settings: Settings }>> = credentialKinds;
  const named = kind !== undefined && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  return named === undefined
    ? Object.values(kinds).map(({ settings }) => settings)
    : [named.settings];
}

export type SecretSettings = Settings;
export const isSecretSetting = (setting: object): boolean => 'secret' in setting;
/** Its value may be the path of a file as well. */
export const isKeyName = (name: string): boolean => /key$/i.test(name);

/** Credentials as plain values, for comparing: secrets that are written in the clear are `•••`. */
export function hiddenCredentials(credentials: unknown): unknown {
  if (!isBlock(credentials)) return credentials;
  return Object.fromEntries(
    Object.entries(credentials).map(([name, entry]) => {
      const kind = isBlock(entry) ? String(entry['kind']) : undefined;
      return [name, hiddenBelow(entry, Object.assign({}, ...declaredSettings(kind)) as Settings)];
    }),
  );
}

type Block = Readonly<Record<string, unknown>>;

const isBlock = (value: unknown): value is Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function hiddenBelow(value: unknown, settings: Settings): unknown {
  if (!isBlock(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
      if (isBlock(one)) return [name, hiddenBelow(one, setting?.fields ?? {})];
      const isSecret =
        (setting !== undefined && isSecretSetting(setting)) || SECRET_NAME.test(name);
      return [name, isSecret && isClear(name, one) ? '•••' : one];
    }),
  );
}

function isClear(name: string, value: unknown): boolean {
  if (typeof value === 'number') return true;
  if (typeof value !== 'string' || SECRET_REFERENCE.test(value)) return false;
  return !isKeyName(name) || value.includes('\n') || value.includes('-----BEGIN');
}
