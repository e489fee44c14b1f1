/** One challenge of a `WWW-Authenticate` header: what the server wants for a sign-in. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`, `digest`, `ntlm`, `negotiate`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What follows the scheme if it is not a list of parameters: the token of NTLM. */
  readonly token: string | undefined;
}

const PIECE =
  /\s*,?\s*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))(?=\s*(?:,|$))|([A-Za-z][A-Za-z0-9-]*)(?:\s+([A-Za-z0-9+/._~-]+=*)(?=\s*(?:,|$)))?(?=\s|,|$))/y;

/** Reads the header of RFC 9110 §11.6.1, including several challenges in one line. What makes no sense is ignored. */
export function challengesOf(header: string | undefined): Challenge[] {
  const found: { scheme: string; parameters: Record<string, string>; token: string | undefined }[] =
    [];
  PIECE.lastIndex = 0;
  const text = header ?? '';
  while (PIECE.lastIndex < text.length) {
    const match = PIECE.exec(text);
    if (match === null) break;
    const [, name, quoted, plain, scheme, token] = match;
    if (scheme !== undefined) {
      found.push({ scheme: scheme.toLowerCase(), parameters: {}, token });
    } else if (name !== undefined) {
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain ?? '';
      const last = found.at(-1);
      if (last !== undefined) last.parameters[name.toLowerCase()] = value;
    }
  }
  return found;
}
