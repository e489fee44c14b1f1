import { type About, bad, good, type Setting } from '../adapter/setting.ts';

/** A setting whose value must not be shown once it is set. */
export interface SecretSetting<Value> extends Setting<Value, string> {
  readonly secret: true;
}

/** A PEM text, or the absolute path of its file, which is read each time it is needed. */
export type Pem = { readonly text: string } | { readonly file: string };

/**
 * A password or token. One line break at its end is dropped: it comes from the file or the echo
 * command that the secret was made with, and no protocol can send it.
 */
export function secret(about: About<never>): SecretSetting<string> {
  return {
    kind: 'text',
    secret: true,
    ...about,
    read(given) {
      if (typeof given !== 'string') return bad('must be text');
      const value = given.replace(/\r?\n$/, '');
      return value === '' ? bad('is empty: set the secret it refers to') : good(value);
    },
  };
}

/** A private key: PEM text, usually `${secret:NAME}` or `${file:PATH}`, or the path of a PEM file. */
export function secretPem(about: About<never>): SecretSetting<Pem> {
  return { ...pem(about), secret: true };
}

/** A certificate or public key: PEM text or the path of a PEM file. */
export function pem(about: About<never>): Setting<Pem, string> {
  return {
    kind: 'text',
    ...about,
    read(given, context) {
      if (typeof given !== 'string') return bad('must be PEM text or the path of a PEM file');
      if (given.includes('-----BEGIN ')) return good({ text: given });
      return given === '' || given.includes('\n')
        ? bad('must be PEM text (-----BEGIN …) or the path of a PEM file')
        : good({ file: context.path(given) });
    },
  };
}
