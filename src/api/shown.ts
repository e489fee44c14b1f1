import { maskJson } from '../access/rights/mask/json-mask.ts';
import { masked } from '../access/rights/mask/masked.ts';
import { maskedText } from '../access/rights/masked-text.ts';
import { maskedWords } from '../access/rights/masked-words.ts';
import type { Principal } from '../access/rights/principal.ts';
import type { RecordedError } from '../message/record.ts';
import { isOpenTo, type PastOutcome, type TracedMessage } from '../trace/traced-message.ts';
import type { Host } from './contract/host.ts';
import type { Session } from './contract/message.ts';

type Viewer = Pick<Principal, 'unmasked'>;
type MessageViewer = Pick<Principal, 'unmasked' | 'visibleHosts'>;

/** Texts about a message may quote it: only those who may open it see them unmasked. */
function viewerOf({ unmasked, visibleHosts }: MessageViewer, message: TracedMessage): Viewer {
  return { unmasked: unmasked && isOpenTo(message, visibleHosts) };
}

/** Unchanged for those who may see patient data; otherwise changed by `mask`. */
function shown<Thing>({ unmasked }: Viewer, thing: Thing, mask: (thing: Thing) => Thing): Thing {
  return unmasked ? thing : mask(thing);
}

/** Something with a text that may quote a message: an event, an alert, a group of failures, an error. */
export function shownWithText<
  Thing extends { readonly text?: string | undefined; readonly host?: string | undefined },
>(viewer: Viewer, thing: Thing): Thing {
  return shown(viewer, thing, (one) =>
    one.text === undefined ? one : { ...one, text: maskedText(one.text, hostsOf(one)) },
  );
}

/** The hosts that something is about; their names are not masked. */
const hostsOf = ({
  host,
  source,
  target,
}: Partial<Record<'host' | 'source' | 'target', string | undefined>>): readonly string[] =>
  [host, source, target].filter((one) => one !== undefined);

/** What the trace knows about a message; file names, peers' texts and quoted values may name a patient. */
export function shownMessage<Message extends TracedMessage>(
  viewer: MessageViewer,
  message: Message,
): Message {
  return shown(viewerOf(viewer, message), message, ({ name, origin, caller, states, ...rest }) => ({
    ...maskedEnding(rest as unknown as Message, hostsOf(message)),
    ...maskedPart('name', name, masked),
    ...maskedPart('origin', origin, maskedText),
    ...maskedPart('caller', caller, maskedCaller),
    ...maskedPart('states', states, (keys) => keys.map(masked)),
  }));
}

/** Names of claims, and what is known to identify nobody; claims may name a patient. */
function maskedCaller(caller: string): string {
  const bytes = maskJson(Buffer.from(caller), { hidden: new Set(), shown: new Set() });
  return JSON.stringify(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

/** The texts about how a message ended that may quote it. */
function maskedEnding<Ending extends Partial<TracedMessage> | PastOutcome>(
  ending: Ending,
  own: readonly string[],
): Ending {
  const { warning, error, reply, explain, ...rest } = ending;
  return {
    ...(rest as Ending),
    ...maskedPart('warning', warning, (text) => maskedText(text, own)),
    ...maskedPart('error', error, (one) => maskedError(one, own)),
    ...maskedPart('reply', reply, (one) => ({
      ...one,
      ...maskedPart('text', one.text, maskedWords),
    })),
    ...maskedPart('explain', explain, (one) => ({
      ...one,
      rules: one.rules.map((rule) => shownWithText({ unmasked: false }, rule)),
    })),
  };
}

/** A session with everything about its messages. */
export function shownSession(viewer: MessageViewer, session: Session): Session {
  const { messages, attempts, past, ...rest } = session;
  const legs = new Map(messages.map((one) => [one.id, one]));
  const of = (id: number): Viewer => {
    const leg = legs.get(id);
    return leg === undefined ? { unmasked: false } : viewerOf(viewer, leg);
  };
  const own = (id: number): readonly string[] => hostsOf(legs.get(id) ?? {});
  return {
    ...rest,
    messages: messages.map((one) => shownMessage(viewer, one)),
    attempts: attempts.map((one) => ({
      ...one,
      error: shown(of(one.messageId), one.error, (error) => maskedError(error, own(one.messageId))),
    })),
    past: past.map((one) =>
      shown(of(one.messageId), one, (ending) => maskedEnding(ending, own(one.messageId))),
    ),
  };
}

/** A host with its last error, which may be about a message from a host that the viewer does not see. */
export function shownHost({ unmasked, visibleHosts }: MessageViewer, host: Host): Host {
  return shown(
    { unmasked: unmasked && visibleHosts === undefined },
    host,
    ({ lastError, engines, ...rest }) => ({
      ...rest,
      ...maskedPart('lastError', lastError, (one) => maskedError(one, [host.name])),
      engines: engines.map(({ lastError: last, detail, ...one }) => ({
        ...one,
        ...maskedPart('lastError', last, (error) => maskedError(error, [host.name])),
        ...maskedPart('detail', detail, (text) => maskedText(text, [host.name])),
      })),
    }),
  );
}

/** Waybill's text about a failure as well as the peer's. */
export function maskedError<E extends Pick<RecordedError, 'text' | 'said'>>(
  error: E,
  own: readonly string[] = [],
): E {
  return {
    ...error,
    text: maskedText(error.text, own),
    ...maskedPart('said', error.said, maskedWords),
  };
}

function maskedPart<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
  mask: (value: Value) => Value,
): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: mask(value) } as { [K in Key]?: Value });
}
