import { maskJson } from '../access/rights/mask/json-mask.ts';
import { maskedText } from '../access/rights/masked-text.ts';
import type { Principal } from '../access/rights/principal.ts';
import { ENVELOPE_FIELDS, type Envelope, type Hiding } from '../message/envelope.ts';
import type { RecordedError } from '../message/record.ts';
import { masked } from '../trace/masked.ts';
import { maskedWords } from '../trace/masked-words.ts';
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

/** How a part is shown to those who may not see patients; `own` are names of hosts, which stay. */
type Mask<Value> = (value: Value, own: readonly string[]) => Value;
/** A part that has none is not shown at all. */
type Masks<Thing> = { readonly [Part in keyof Thing]-?: Mask<NonNullable<Thing[Part]>> };

const unchanged = <Value>(value: Value): Value => value;

const HIDING: Readonly<Record<Hiding, Mask<string>>> = {
  nothing: unchanged,
  letters: masked,
  values: (text) => maskedText(text),
  claims: maskedCaller,
};

// an object made by its entries has no type: the table has every field
const ENVELOPE_MASKS = Object.fromEntries(
  Object.entries(ENVELOPE_FIELDS).map(([field, { hides = 'nothing' }]) => [field, HIDING[hides]]),
) as unknown as Masks<Omit<Envelope, 'possibleDuplicate'>>;

/** Texts about how a message ended may quote it. */
const ENDING_MASKS: Masks<Omit<PastOutcome, 'messageId' | 'status'>> = {
  started: unchanged,
  done: unchanged,
  by: unchanged,
  warning: maskedText,
  error: maskedError,
  reply: ({ text, ...rest }) => ({
    ...rest,
    ...(text === undefined ? {} : { text: maskedWords(text) }),
  }),
  explain: (one) => ({
    ...one,
    rules: one.rules.map((rule) => shownWithText({ unmasked: false }, rule)),
  }),
};

const PAST_MASKS: Masks<Session['past'][number]> = {
  ...ENDING_MASKS,
  messageId: unchanged,
  status: unchanged,
};

const MESSAGE_MASKS: Masks<TracedMessage> = {
  ...ENVELOPE_MASKS,
  ...ENDING_MASKS,
  status: unchanged,
  possibleDuplicate: unchanged,
  duplicateOf: unchanged,
  attempts: unchanged,
  presumed: unchanged,
  queue: unchanged,
  setAside: unchanged,
  hasBody: unchanged,
  receivedBy: unchanged,
  receivedIds: unchanged,
  states: (keys) => keys.map(masked),
};

function maskedParts<Thing extends object>(
  thing: Thing,
  masks: Masks<Thing>,
  own: readonly string[],
): Thing {
  const parts = Object.entries(masks as Readonly<Record<string, Mask<unknown>>>).flatMap(
    ([part, mask]) => {
      const value: unknown = Reflect.get(thing, part);
      return value === undefined ? [] : [[part, mask(value, own)] as const];
    },
  );
  return Object.fromEntries(parts) as Thing;
}

/** What the trace knows about a message; file names, peers' texts and quoted values may name a patient. */
export function shownMessage(viewer: MessageViewer, message: TracedMessage): TracedMessage {
  return shown(viewerOf(viewer, message), message, (one) =>
    maskedParts(one, MESSAGE_MASKS, hostsOf(one)),
  );
}

/** Names of claims, and what is known to identify nobody; claims may name a patient. */
function maskedCaller(caller: string): string {
  const bytes = maskJson(Buffer.from(caller), { hidden: new Set(), shown: new Set() });
  return JSON.stringify(JSON.parse(Buffer.from(bytes).toString('utf8')));
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
      shown(of(one.messageId), one, (ending) =>
        maskedParts(ending, PAST_MASKS, own(one.messageId)),
      ),
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
