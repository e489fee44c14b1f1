/** A name in a realm: `anna@HOSPITAL.EXAMPLE`, `HTTP/tie.hospital.example@HOSPITAL.EXAMPLE`. */
export interface Principal {
  readonly parts: readonly string[];
  readonly realm: string;
}

/** As it is written, with `\` before what separates parts. */
export const principalText = ({ parts, realm }: Principal): string => `${nameText(parts)}@${realm}`;

export const nameText = (parts: readonly string[]): string =>
  parts.map((part) => part.replaceAll(/[\\/@]/g, '\\$&')).join('/');

/** Reads `user@REALM` or `HTTP/host@REALM`; undefined if it has no realm or an empty part. */
export function principalOf(text: string): Principal | undefined {
  const [, name = '', realm = ''] = /^((?:\\.|[^\\@])+)@([^\\@/]+)$/.exec(text) ?? [];
  const parts = [...name.matchAll(/((?:\\.|[^\\/])*)(?:\/|$)/g)]
    .map(([, part = '']) => part.replaceAll(/\\(.)/g, '$1'))
    .slice(0, -1);
  return realm === '' || parts.length === 0 || parts.includes('') ? undefined : { parts, realm };
}
