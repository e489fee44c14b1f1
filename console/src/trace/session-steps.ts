import type { HostEvent } from '../../../src/api/contract/event.ts';
import type { Message, Session } from '../../../src/api/contract/message.ts';
import { failureText } from '../element/failure-text.ts';
import { STATUS_NAMES } from '../element/names.ts';
import { shortType } from '../element/short-type.ts';
import { duration } from '../element/time-text.ts';
import { serverText } from '../language/server-text.ts';
import { t } from '../language/translate.ts';

type Kind = 'service' | 'process' | 'operation';

/** One column of the diagram. */
export interface Lane {
  readonly host: string;
  readonly kind: Kind | undefined;
}

/** One line of the diagram and of its table: an arrow between two lanes, or a note on one. */
export interface Step {
  readonly key: string;
  readonly kind: 'request' | 'reply' | 'rules' | 'tries' | 'event' | 'outcome' | 'resent';
  readonly message: Message;
  /** Messages are numbered in the order they were made, so that two people on the phone talk about the same one. */
  readonly number: number;
  readonly at: number;
  readonly from: string;
  /** The same as `from` for a note. */
  readonly to: string;
  readonly label: string;
  readonly detail: string | undefined;
  readonly tone: 'plain' | 'good' | 'warn' | 'bad' | 'held' | 'idle';
  /** Where a `resent` step links to. */
  readonly leadsTo?: number;
}

/** The height of a step in the diagram, in pixels. */
export const ROW = 38;

const ORDER: readonly (Kind | undefined)[] = ['service', undefined, 'process', 'operation'];

const TONES = {
  queued: 'plain',
  retrying: 'warn',
  completed: 'good',
  discarded: 'idle',
  error: 'bad',
  suspended: 'held',
} as const satisfies Record<Message['status'], Step['tone']>;

const OTHERWISE_NAMES = {
  discard: t('discard'),
  suspend: t('suspend'),
  send: t('send'),
} as const satisfies Record<NonNullable<NonNullable<Message['explain']>['otherwise']>, string>;

/** Columns from where messages come in to where they go out; within a kind by who was first. */
export function lanesOf(
  { messages }: Session,
  kindOf: (host: string) => Kind | undefined,
): readonly Lane[] {
  const hosts = [...new Set(messages.flatMap(({ source, target }) => [source, target]))].filter(
    (host) => host !== '',
  );
  const rank = (host: string): number => ORDER.indexOf(kindOf(host));
  return hosts.toSorted((a, b) => rank(a) - rank(b)).map((host) => ({ host, kind: kindOf(host) }));
}

/**
 * Everything that happened in a session, in the order it happened. Tries of one message are
 * combined into one step; what happened to a host while it had a message is shown with that
 * message.
 */
export function stepsOf(session: Session, events: readonly HostEvent[] = []): readonly Step[] {
  const steps = session.messages.flatMap((message, index) => [
    ...stepsOfMessage(session, message, index + 1),
    ...eventsOf(message, index + 1, events),
  ]);
  // the steps of a message keep their order if their times are equal
  return steps
    .map((step, place) => ({ step, place }))
    .toSorted((a, b) => a.step.at - b.step.at || a.place - b.place)
    .map(({ step }) => step);
}

function stepsOfMessage(session: Session, message: Message, number: number): Step[] {
  const { id, source, target, type, created, status } = message;
  const step: MakeStep = (kind, rest) => ({
    key: `${id}-${kind}`,
    kind,
    message,
    number,
    from: target,
    to: target,
    detail: undefined,
    tone: TONES[status],
    ...rest,
  });
  const end = message.done ?? message.started ?? created;
  const rules = rulesText(message);
  const outcome = outcomeText(message);
  return [
    step('request', {
      at: created,
      from: source === '' ? target : source,
      label: shortType(type),
      detail:
        message.resendOf === undefined
          ? undefined
          : t('resent from {id}', { id: `${message.resendOf}` }),
    }),
    ...pastOf(session, message, step),
    ...triesOf(session, message).map((tries) => step('tries', { ...tries, tone: 'warn' })),
    ...(rules === undefined ? [] : [step('rules', { at: end, label: rules, tone: 'plain' })]),
    ...(message.reply === undefined
      ? []
      : [
          step('reply', {
            at: end,
            from: target,
            to: source,
            label: replyLabel(message),
            detail: message.reply.text,
          }),
        ]),
    ...(outcome === undefined
      ? []
      : [step('outcome', { at: end, label: outcome, detail: message.error?.code })]),
    ...session.resends
      .filter(({ of }) => of === id)
      .map((resent) =>
        step('resent', {
          key: `${id}-resent-${resent.id}`,
          at: end,
          label: t('resent as {id}', { id: `${resent.id}` }),
          tone: 'held',
          leadsTo: resent.sessionId,
        }),
      ),
  ];
}

type MakeStep = (kind: Step['kind'], rest: Pick<Step, 'at' | 'label'> & Partial<Step>) => Step;

/** How the message had ended before a person ended it: the reply, the rules and why it failed. */
function pastOf({ past }: Session, message: Message, step: MakeStep): Step[] {
  const { id, source, target } = message;
  const own = past.filter(({ messageId }) => messageId === id);
  return own.flatMap((one, index) => {
    const { status, done, error, reply, explain, warning, by } = one;
    const was: Message = { ...message, status, done, error, reply, explain, warning, by };
    const key = `${id}-past-${index}`;
    const common = { at: done, tone: TONES[status] };
    const rules = rulesText(was);
    const text = outcomeText(was);
    return [
      ...(rules === undefined
        ? []
        : [step('rules', { at: done, key: `${key}-rules`, label: rules, tone: 'plain' })]),
      ...(reply === undefined
        ? []
        : [
            step('reply', {
              ...common,
              key: `${key}-reply`,
              from: target,
              to: source,
              label: replyLabel(was),
              detail: reply.text,
            }),
          ]),
      ...(text === undefined
        ? []
        : [
            step('outcome', { ...common, key: `${key}-outcome`, label: text, detail: error?.code }),
          ]),
    ];
  });
}

const EVENT_TONES = { info: 'plain', warn: 'warn', error: 'bad' } as const;

/** What happened to its host while the message was there; repetitions are one step. */
function eventsOf(message: Message, number: number, events: readonly HostEvent[]): Step[] {
  const { id, target, created, done = Number.POSITIVE_INFINITY } = message;
  const own = events.filter(({ host, at }) => host === target && at >= created && at <= done);
  return [...Map.groupBy(own, ({ text }) => serverText(text))].flatMap(([label, alike]): Step[] => {
    const first = alike.toSorted((a, b) => a.at - b.at)[0];
    if (first === undefined) return [];
    return [
      {
        key: `${id}-event-${first.event}-${first.at}`,
        kind: 'event',
        message,
        number,
        at: first.at,
        from: target,
        to: target,
        label:
          alike.length === 1
            ? label
            : t('{text} ({count} times)', { text: label, count: alike.length }),
        detail: serverText(first.text),
        tone: EVENT_TONES[first.level],
      },
    ];
  });
}

function triesOf({ attempts }: Session, { id }: Message): Pick<Step, 'at' | 'label' | 'detail'>[] {
  const own = attempts.filter(({ messageId }) => messageId === id);
  const last = own.at(-1);
  const first = own[0];
  if (last === undefined || first === undefined) return [];
  const error = failureText(last.error);
  return [
    {
      at: first.at,
      label:
        own.length === 1
          ? t('1 failed try: {error}', { error })
          : t('{count} failed tries in {duration}: {error}', {
              count: own.length,
              duration: duration(last.at - first.at),
              error,
            }),
      detail: last.error.code,
    },
  ];
}

function rulesText({ explain }: Message): string | undefined {
  if (explain === undefined) return undefined;
  const fired = explain.rules.filter(({ result }) => result === 'fired').map(({ rule }) => rule);
  const to = explain.sent.map((sent) => sent.to);
  const rules = fired.length === 0 ? t('no rule matched') : fired.join(', ');
  if (to.length > 0) return `${rules} → ${[...new Set(to)].join(', ')}`;
  return explain.otherwise === undefined
    ? t('{rules} → nobody', { rules })
    : t('{rules}; otherwise {otherwise}', { rules, otherwise: OTHERWISE_NAMES[explain.otherwise] });
}

function replyLabel({ reply, created, done }: Message): string {
  const text =
    [reply?.code, reply?.text].find((part) => part !== undefined && part !== '') ??
    shortType(reply?.type ?? '');
  return done === undefined ? text : `${text} · ${duration(done - created)}`;
}

/** What an arrow back cannot show: that there was none, and why. */
function outcomeText(message: Message): string | undefined {
  const { status, error, by, explain } = message;
  const name = STATUS_NAMES[status];
  const what = by === undefined ? name : t('{status} by {by}', { status: name, by });
  if (status === 'completed') return completedText(message);
  if (status === 'queued' || status === 'retrying')
    return status === 'queued' ? waitText(message) : undefined;
  if (status === 'discarded' && explain !== undefined && by === undefined) return undefined;
  const { warning } = message;
  if (error !== undefined) return `${what}: ${failureText(error)}`;
  return warning === undefined ? what : `${what}: ${serverText(warning)}`;
}

const waitText = ({ setAside }: Message): string =>
  setAside === true ? t('waits for a time or an answer') : t('waits in the queue');

/** A receiver that does not answer was also done at some time. */
function completedText({ warning, reply, explain, created, done }: Message): string | undefined {
  if (warning !== undefined || done === undefined) return warning;
  if (reply !== undefined || explain !== undefined) return undefined;
  return t('done in {duration}', { duration: duration(done - created) });
}
