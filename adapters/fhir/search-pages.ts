import { DisableError, type setting } from 'waybill/adapter';
import { type HttpAnswer, placeOfUrl } from 'waybill/peer';
import { jsonOf } from './fhir-reply.ts';
import type { fhirSettings } from './fhir-settings.ts';

interface Bundle {
  readonly resourceType: 'Bundle';
  readonly link?: readonly { readonly relation?: unknown; readonly url?: unknown }[];
  readonly entry?: readonly unknown[];
}

type Paging = Pick<setting.ValuesOf<typeof fhirSettings>, 'pages'>;

/**
 * All pages of a search in one Bundle, in order. The link to the next page is kept in it where there
 * were more than `pages`. An answer that is no Bundle, or a refusal on the way, is given back as it is.
 */
export async function searchPages(
  first: HttpAnswer,
  { pages }: Paging,
  ask: (url: URL) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const start = bundleOf(first);
  let next = start && nextOf(start, first.url);
  if (start === undefined || next === undefined) return first;
  const entries = [...(start.entry ?? [])];
  let last = start;
  for (let page = 2; next !== undefined && page <= pages; page++) {
    const answer = await ask(next);
    const bundle = bundleOf(answer);
    if (answer.status >= 300 || bundle === undefined) return answer;
    entries.push(...(bundle.entry ?? []));
    last = bundle;
    next = nextOf(bundle, answer.url);
  }
  const whole = {
    ...start,
    link: last.link?.filter(({ relation }) => relation === 'next'),
    entry: entries,
  };
  return { ...first, body: Buffer.from(JSON.stringify(whole)) };
}

function bundleOf({ status, body }: HttpAnswer): Bundle | undefined {
  if (status >= 300) return undefined;
  const resource = jsonOf(body);
  const { resourceType } = Object(resource) as { resourceType?: unknown };
  return resourceType === 'Bundle' ? (resource as Bundle) : undefined;
}

/** The token goes to the server of the search and to nobody else, whatever a link says. */
function nextOf({ link = [] }: Bundle, from: URL): URL | undefined {
  const url = link.find(({ relation }) => relation === 'next')?.url;
  if (typeof url !== 'string' || !URL.canParse(url, from)) return undefined;
  const next = new URL(url, from);
  if (next.origin === from.origin) return next;
  throw new DisableError(
    `The next page of a search is at ${placeOfUrl(next)}, not at ${placeOfUrl(from)}. It is not followed, since the sign-in is for the latter: have the server give its links under the name it is called by.`,
  );
}
