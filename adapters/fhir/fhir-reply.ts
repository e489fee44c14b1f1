import type { Reply } from 'waybill/adapter';
import {
  type HttpAnswer,
  mediaTypeOf,
  outcomeText,
  refusalWords,
  retryAfterOf,
} from 'waybill/peer';

interface Entry {
  readonly response?: { readonly status?: unknown; readonly outcome?: unknown };
}

/**
 * The answer of a FHIR server, for the engine to judge. A Bundle of answers accepted with 200 may
 * contain refusals: its code is then that of the worst entry, so that none is overlooked.
 */
export function fhirReply({ status, headers, body }: HttpAnswer): Reply {
  const resource = jsonOf(body);
  const entries = entriesOf(resource);
  const failed = entries
    .map((entry, at) => ({ at, status: statusOf(entry), outcome: entry.response?.outcome }))
    .filter((entry) => entry.status >= 400);
  const worst = Math.max(0, ...failed.map((entry) => entry.status));
  const text =
    failed.length > 0
      ? failed
          .map((one) =>
            `entry ${one.at + 1}: ${one.status} ${outcomeText(one.outcome) ?? ''}`.trim(),
          )
          .join('\n')
      : lines(outcomeText(resource) ?? refusalWords({ status, headers, body }), placed(headers));
  return {
    body,
    type: mediaTypeOf(headers['content-type']).type,
    code: String(status < 300 && worst > 0 ? worst : status),
    text,
    retryAfter: retryAfterOf(headers['retry-after']),
  };
}

const lines = (...all: readonly (string | undefined)[]): string | undefined =>
  all.filter((one) => one !== undefined).join('\n') || undefined;

/** The location of a created or updated resource, and its version. */
function placed(headers: HttpAnswer['headers']): string | undefined {
  const place = headers['location'] ?? headers['content-location'];
  const version = headers['etag'];
  return lines(place, version === undefined ? undefined : `ETag ${version}`);
}

/** Undefined if the body is not JSON; its text is never put into an error. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // not JSON
    return undefined;
  }
}

function entriesOf(resource: unknown): readonly Entry[] {
  const { resourceType, type, entry } = Object(resource) as Record<string, unknown>;
  const isAnswers =
    resourceType === 'Bundle' && /^(batch|transaction)-response$/.test(String(type));
  return isAnswers && Array.isArray(entry) ? (entry as Entry[]) : [];
}

const statusOf = ({ response }: Entry): number =>
  Number.parseInt(String(response?.status), 10) || 0;
