/** Keys of credentials whose values are secrets, where somebody wrote them into the file itself. */
const SECRET =
  /((?:password|passphrase|secret|clientSecret|token|apiKey|privateKey)["']?\s*:\s*)(?!\s*["']?\$\{)("[^"]*"|'[^']*'|[^\s,}#]+)/gi;

/** A text of the production's files for those who may not change it: without secrets that are written in the clear. */
export const withoutSecrets = (text: string): string => text.replace(SECRET, '$1•••');
