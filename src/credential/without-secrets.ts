/** A shorter secret would blank out ordinary words. */
const LEAST_SECRET = 4;
const MOST_TEXT = 300;
const TOKEN = /\beyJ[\w-]+(?:\.[\w-]*){1,4}/g;

/**
 * Makes a server's text fit for an error: one line, at most 300 characters, without the secrets in
 * any form in which they were sent (a server may echo what it got) and without anything that looks
 * like a JWT.
 */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const sent = secrets.flatMap((secret) => (secret.length < LEAST_SECRET ? [] : spellings(secret)));
  const longestFirst = [...new Set(sent)].toSorted((a, b) => b.length - a.length);
  return longestFirst
    .reduce((rest, secret) => rest.replaceAll(secret, '•••'), text)
    .replaceAll(TOKEN, '•••')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT);
}

function spellings(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
    JSON.stringify(secret).slice(1, -1),
  ];
}
