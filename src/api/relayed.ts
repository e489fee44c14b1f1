import { PERMISSIONS } from '../access/rights/principal.ts';
import type { Identity } from '../access/rights/principal-for.ts';
import { CALLER_HEADER, type RelayedCallers } from '../access/sign-in/relayed-callers.ts';
import type { RelayedCaller } from '../control/relay-frames.ts';
import type { AnswerRelayed } from '../control/relay-server.ts';
import { toldElsewhere } from '../error/foreseen.ts';
import type { Api } from '../web/api.ts';
import { API_PREFIX } from '../web/api-prefix.ts';

/** Bytes of an answer that may wait, and milliseconds between two looks. */
const BEHIND = 2 * 1024 * 1024;
const LOOK_EVERY = 1_000;

/** Headers that another console may hand on, in both directions. */
const ASKED = ['accept', 'content-type', 'idempotency-key', 'last-event-id', 'x-unattended'];
const ANSWERED = [
  'content-type',
  'content-disposition',
  'content-security-policy',
  'cache-control',
  'retry-after',
  'x-accel-buffering',
];

export const askedHeaders = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  only(ASKED, headers);

/** Answers what consoles of other productions hand on, by the same routes as everybody else's requests. */
export function relayedAnswers(app: Api, callers: RelayedCallers): AnswerRelayed {
  return async ({ method, path, headers, caller }, body, signal) => {
    const { key, leave } = callers.admit(identityOf(caller));
    try {
      const response = await app.inject({
        method: method as 'GET',
        url: `${API_PREFIX}/${path}`,
        headers: { ...only(ASKED, headers), [CALLER_HEADER]: key },
        remoteAddress: caller.ip,
        ...(body.byteLength === 0 ? {} : { payload: Buffer.from(body) }),
        payloadAsStream: true,
        signal,
      });
      const stream = response.stream();
      // whoever reads it gets the error too
      stream.on('error', toldElsewhere);
      // live events do not wait for a slow reader, who is dropped and connects again
      const watch = setTimeout(() => {
        if (stream.readableLength > BEHIND) stream.destroy();
        watch.refresh();
      }, LOOK_EVERY);
      stream.once('close', () => {
        clearTimeout(watch);
        leave();
      });
      return {
        status: response.statusCode,
        headers: only(ANSWERED, response.headers),
        body: stream,
      };
    } catch (error) {
      leave();
      throw error;
    }
  };
}

/** What the other console has granted, as far as this version knows it. */
function identityOf({ name, via, roles, permissions, scope, token }: RelayedCaller): Identity {
  const granted = PERMISSIONS.filter((one) => permissions.includes(one));
  return { name, via, roles, scope, granted, token };
}

function only(
  named: readonly string[],
  headers: Readonly<Record<string, unknown>>,
): Record<string, string> {
  return Object.fromEntries(
    named.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
