/** Every certificate of a PEM text, in its order, as it is written there. */
export const pemCertificates = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];

/** How many blocks of a kind begin in a PEM text, also one of which not even the first line is whole, as it was cut off there. */
export function blocksBegun(text: string, kind: string): number {
  const begin = `-----BEGIN ${kind}-----`;
  const told = text.trimEnd();
  const last = told.slice(told.lastIndexOf('\n') + 1);
  const isCut = last !== '' && last !== begin && begin.startsWith(last);
  return text.split(begin).length - 1 + Number(isCut);
}
