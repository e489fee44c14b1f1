import { DisableError } from 'waybill/adapter';
import { exactJson } from 'waybill/document';
import { type HttpAnswer, placeOfUrl } from 'waybill/peer/http';
import type { FhirValues } from './fhir-settings.ts';

/** An answer, with its resource where that was read already. */
export interface ReadAnswer extends HttpAnswer {
  readonly resource?: unknown;
}

interface Bundle {
  readonly resourceType: 'Bundle';
  readonly link?: readonly { readonly relation?: unknown; readonly url?: unknown }[];
  readonly entry?: readonly unknown[];
}

/**
 * All pages of a search in one Bundle, in order. It keeps the link to the next page if there were
 * more than `pages`. An answer that is not a Bundle, or a refusal on the way, is returned
 * unchanged.
 */
export async function searchPages(
  first: HttpAnswer,
  { pages }: Pick<FhirValues, 'pages'>,
  ask: (url: URL) => Promise<HttpAnswer>,
): Promise<ReadAnswer> {
  const start = bundleOf(first);
  if (start === undefined) return first;
  let next = nextOf(start, first.url);
  if (next === undefined) return { ...first, resource: start };
  const whole = bundleOf(first, exactJson) ?? start;
  const entries = [...(whole.entry ?? [])];
  let last = whole;
  for (let page = 2; next !== undefined && page <= pages; page++) {
    const answer = await ask(next);
    const bundle = bundleOf(answer, exactJson);
    if (answer.status >= 300 || bundle === undefined) return answer;
    for (const entry of bundle.entry ?? []) entries.push(entry);
    last = bundle;
    next = nextOf(bundle, answer.url);
  }
  const link = last.link?.filter(({ relation }) => relation === 'next');
  const body = Buffer.from(JSON.stringify({ ...whole, link, entry: entries }));
  return { ...first, body };
}

/** `exactJson` for one that is written again: reading the digits of its numbers takes several times as long as the rest. */
function bundleOf({ status, body }: HttpAnswer, parse?: typeof exactJson): Bundle | undefined {
  if (status >= 300) return undefined;
  const resource = jsonOf(body, parse);
  const { resourceType } = Object(resource) as { resourceType?: unknown };
  return resourceType === 'Bundle' ? (resource as Bundle) : undefined;
}

/** The token is sent only to the server of the search, whatever a link says. */
function nextOf({ link = [] }: Bundle, from: URL): URL | undefined {
  const url = link.find(({ relation }) => relation === 'next')?.url;
  if (typeof url !== 'string' || !URL.canParse(url, from)) return undefined;
  const next = new URL(url, from);
  if (next.origin === from.origin) return next;
  throw new DisableError(
    `The next page of a search is at ${placeOfUrl(next)}, not at ${placeOfUrl(from)}. It is not followed, since the sign-in is only for the latter: have the server use the name it is called by in its links.`,
  );
}

/** Undefined if the body is not JSON; its text is never put into an error. */
export function jsonOf(body: Buffer, parse: (text: string) => unknown = JSON.parse): unknown {
  try {
    return parse(body.toString('utf8'));
  } catch {
    // not JSON
    return undefined;
  }
}
