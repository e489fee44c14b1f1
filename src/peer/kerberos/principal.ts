/** A name in a realm: `anna@HOSPITAL.EXAMPLE`, `HTTP/tie.hospital.example@HOSPITAL.EXAMPLE`. */
export interface Principal {
  readonly parts: readonly string[];
  readonly realm: string;
}

/** As it is written, with `\` before what separates parts. */
export const principalText = ({ parts, realm }: Principal): string => `${nameText(parts)}@${realm}`;

export const nameText = (parts: readonly string[]): string =>
  parts.map((part) => part.replaceAll(/[\\/@]/g, '\\$&')).join('/');
