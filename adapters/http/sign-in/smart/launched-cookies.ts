import type { IncomingHttpHeaders } from 'node:http';

/** Which of a browser's launches a request belongs to. */
const HEADER = 'x-launched';
const ID = /^[\w-]{22}$/;

/** The launch that a request says it belongs to. */
export function launchOf(headers: IncomingHttpHeaders): string | undefined {
  const said = headers[HEADER]?.toString();
  return said === undefined || !ID.test(said) ? undefined : said;
}

const pairsOf = ({ cookie = '' }: IncomingHttpHeaders): readonly string[] =>
  cookie.split(';').map((pair) => pair.trim());

/**
 * Leaves of the cookies of a realm only those of the launch that the request names, under their usual names: every tab has its
 * own launch, with its own patient, and one that names a launch that is over must not go on as another. Without the header it
 * is no launch.
 */
export function chooseLaunch(headers: IncomingHttpHeaders, names: readonly string[]): void {
  if (headers[HEADER] === undefined || headers.cookie === undefined) return;
  const id = launchOf(headers);
  headers.cookie = pairsOf(headers)
    .flatMap((pair) => {
      const at = pair.indexOf('=');
      const name = pair.slice(0, at);
      const own = names.find((one) => name === one || name.startsWith(`${one}.`));
      if (own === undefined) return [pair];
      return id !== undefined && name === `${own}.${id}` ? [`${own}${pair.slice(at)}`] : [];
    })
    .join('; ');
}

/** The launches whose cookies a browser holds, the oldest first. */
export function heldLaunches(headers: IncomingHttpHeaders, name: string): readonly Held[] {
  return pairsOf(headers).flatMap((pair) => {
    const at = pair.indexOf('=');
    const id = pair.slice(name.length + 1, at);
    if (!pair.startsWith(`${name}.`) || !ID.test(id)) return [];
    return [{ id, token: pair.slice(at + 1) }];
  });
}

interface Held {
  readonly id: string;
  readonly token: string;
}
