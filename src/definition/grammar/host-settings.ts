import { setting } from '../../adapter/index.ts';
import type { Setting } from '../../adapter/setting.ts';
import type { Expression } from '../../expression/expression.ts';
import { JOINED_AS } from '../../flow/joined-parts.ts';
import { isReplyKey, REPLY_ACTIONS } from '../../flow/reply-rules.ts';
import { REPLY_PROBLEMS } from '../../message/message.ts';
import { readSchedule } from '../../time/schedule.ts';
import { type BlockValues, block, type Field, type Fields } from '../form/block.ts';
import {
  below,
  type Form,
  type JsonSchema,
  many,
  named,
  raw,
  report,
  reportBelow,
  shaped,
} from '../form/form.ts';
import { meaning } from '../form/meaning.ts';
import { settingForm, textAt, textOf } from '../form/setting-form.ts';
import { splitProblem, suggestion } from '../problem.ts';
import type { Written } from '../written/written.ts';
import { checkSettings } from './check-settings.ts';
import { retryForm } from './retry-form.ts';
import { rulesSchema } from './rules-schema.ts';

/**
 * The settings of hosts, each declared once. How it is read, the type of its value in the
 * definition, its schema and line in the reference page, what a change restarts, and how it is
 * described all follow from here. A new one needs an entry here and the code that uses it.
 */
type HostSetting = (Setting<unknown, unknown> | Field<unknown>) & {
  /** When a running host follows a change; if left out, the host is restarted. `unread`: the host does not use it. */
  readonly change?: 'unread' | 'next message';
  /** It concerns a queue, which an inline process does not have. */
  readonly ofQueue?: true;
};

type HostSettings = Fields & Readonly<Record<string, HostSetting>>;

/** The keys of `replies` that are no codes. */
export const REPLY_WORDS: readonly string[] = [
  'accept',
  'error',
  'reject',
  ...REPLY_PROBLEMS,
  'none',
  'failure',
  'other',
];

const replyKey = {
  pattern: '^([A-Za-z0-9][A-Za-z0-9_.-]{0,59}|failure[:~].+)$',
  problem: (key: string): string | undefined =>
    isReplyKey(key)
      ? undefined
      : `${key} is neither a code nor a known word. ${suggestion(key, REPLY_WORDS)}`.trimEnd(),
};

/** An action, or several: `warn` and `retry` with what happens in the end. */
const replyActions: Form<string | readonly string[]> = {
  read(written, reading) {
    const items = written.kind === 'list' ? written.items : [written];
    const words = items.flatMap((item, index) => {
      const inside = written.kind === 'list' ? below(reading, index) : reading;
      return wordsOf(item).flatMap((word) => {
        if (isAction(word)) return [word];
        const what = word === '' ? 'must be an action' : `${word} is not an action`;
        report(inside, item.place, what, suggestion(word, REPLY_ACTIONS));
        return [];
      });
    });
    if (words.length === 0) return undefined;
    const [what, remedy] = misfit(words) ?? [];
    if (what !== undefined) report(reading, written.place, what, remedy ?? '');
    return words.length === 1 ? words[0] : words;
  },
  schema: () => {
    const action = { enum: [...REPLY_ACTIONS] };
    return { anyOf: [action, { type: 'string' }, { type: 'array', items: action, minItems: 1 }] };
  },
};

/** Why these actions cannot be combined, and what to do. */
function misfit(words: readonly string[]): [string, string] | undefined {
  const twice = words.find((word, index) => words.indexOf(word) < index);
  if (twice !== undefined) return [`${twice} is named twice`, 'Name it once.'];
  const ends = words.filter((word) => word !== 'retry' && word !== 'warn');
  if (ends.length < 2) return undefined;
  const names = ends.join(' and ');
  return [
    `${names} cannot both happen to a message`,
    'Keep one of them; only warn and retry may be added to it.',
  ];
}

function wordsOf(written: Written): string[] {
  const text = written.kind === 'scalar' ? (textOf(written) ?? '') : '';
  return text.split(/[\s,]+/);
}

const isAction = (word: string): boolean => (REPLY_ACTIONS as readonly string[]).includes(word);

/** A text with a notation of its own; `problem` says what is wrong with it. */
function checkedText(
  problem: (text: string) => string | undefined,
  pattern?: string,
): Form<string> {
  return {
    read(written, reading) {
      const text = textAt(written, reading);
      const found = text === undefined ? undefined : problem(text);
      if (found === undefined) return text;
      const { what, remedy } = splitProblem(found);
      return report(reading, written.place, what, remedy);
    },
    schema: () => ({ type: 'string', ...(pattern === undefined ? {} : { pattern }) }),
  };
}

/** `mon-fri 06:00-20:00 Europe/Berlin`. */
const scheduleForm = checkedText((text) => {
  const read = readSchedule(text);
  return 'problem' in read ? read.problem : undefined;
});

const TIME = '([01]\\d|2[0-3]):[0-5]\\d';
const QUIET = `^${TIME}-${TIME}$`;

/** `22:00-06:00`: a span of the day that may cross midnight. */
const quietForm = checkedText(
  (text) =>
    new RegExp(QUIET).test(text) ? undefined : 'must be two times of day, such as 22:00-06:00',
  QUIET,
);

const hostAlert = block({
  queue: setting.optional(
    setting.integer({
      help: 'Alert when more messages than this wait.',
      minimum: 1,
      example: '100',
    }),
  ),
  wait: setting.optional(
    setting.duration({ help: 'Alert when the oldest message waits longer.', example: '5m' }),
  ),
  silent: setting.optional(
    setting.duration({
      help: 'Alert when no message has arrived for this long, also over restarts. With a schedule by cron the time between its times counts: 25h tells that a nightly one did not run.',
      example: '1h',
    }),
  ),
  disconnected: setting.optional(
    setting.duration({
      help: 'Alert when it has had no connection for this long; 10 minutes if left out, forever for never.',
      example: '2m',
    }),
  ),
  suspended: setting.optional(
    setting.duration({
      help: 'Alert when a message has been suspended here for this long; 4 hours if left out, forever for never.',
      example: '30m',
    }),
  ),
  failed: setting.optional(
    setting.integer({
      help: 'Alert when more messages than this failed or were suspended here within an hour; 0 alerts at the first.',
      minimum: 0,
      example: '10',
    }),
  ),
  fewer: setting.optional(
    setting.integer({
      help: 'Alert when fewer than this many percent of the usual messages arrived in an hour: the median of the same hour of the last four weeks.',
      minimum: 1,
      maximum: 99,
      example: '30',
    }),
  ),
  quiet: {
    form: quietForm,
    help: 'The time of day in which silence and fewer messages do not alert.',
    example: '22:00-06:00',
  },
});

/** Settings that every host may have. */
const COMMON = {
  title: {
    ...setting.optional(setting.text({ help: 'A name for people.', example: 'ADT from Epic' })),
    change: 'unread',
  },
  comment: {
    ...setting.optional(setting.text({ help: 'A note that the console shows.' })),
    change: 'unread',
  },
  tags: {
    ...setting.list(setting.text({ help: 'A word to filter by.' }), {
      help: 'Words to filter hosts by in the console.',
    }),
    change: 'unread',
  },
  enabled: setting.flag({
    help: 'false keeps the host stopped until a person starts it; its queue still fills.',
    default: true,
  }),
  schedule: {
    form: scheduleForm,
    help: 'When the host is on: days and times, or for a while from times given by cron; with a time zone if needed. Default always.',
    example: 'mon-fri 06:00-20:00, sat 08:00-12:00 Europe/Berlin',
  },
  catchUp: {
    ...setting.optional(
      setting.duration({
        help: 'How late a time of a cron schedule is made up for, once, if no engine ran when it came; forever for however late. Default not at all.',
        example: '6h',
      }),
    ),
    change: 'unread',
  },
  alert: { form: hostAlert, help: 'When people are alerted about this host.', change: 'unread' },
} as const satisfies HostSettings;

/** A choice whose default depends on other keys, so the schema names none. */
function oneOf<const C extends Readonly<Record<string, string>>>(
  choices: C,
): Form<keyof C & string> {
  const [first = ''] = Object.keys(choices);
  const form = settingForm(setting.choice(choices, { help: '', default: first }));
  return {
    read: form.read,
    schema() {
      const { default: _, description: __, ...schema } = form.schema();
      return schema;
    },
  };
}

const anyBlock = (): JsonSchema => ({ type: 'object' });

const target = setting.target({ help: 'The name of a process or operation.' });

const SERVICE = {
  adapter: setting.text({
    help: "The type of the adapter, or the file of one of the production's own.",
    example: 'mllp-in',
  }),
  settings: { form: raw(anyBlock), help: "The adapter's settings: `waybill adapters <type>`." },
  to: {
    form: many(settingForm(target)),
    help: 'The processes and operations that get each message.',
    needed: true,
    example: '[adt-router]',
  },
  duplicates: setting.choice(
    {
      once: 'an identical message within the duplicate window is stored once',
      all: 'every message is stored, even if it repeats another',
    },
    { help: 'What happens to a message that was sent twice.', default: 'once' },
  ),
  ...COMMON,
} as const satisfies HostSettings;

const pool = {
  ...setting.optional(
    setting.integer({
      help: 'How many messages are worked on at once. Default 1, which keeps the order.',
      minimum: 1,
      maximum: 256,
    }),
  ),
  ofQueue: true,
} as const;

const expressionForm = (result: 'any' | 'bool'): Form<Expression> => ({
  read(written, reading) {
    const source = textAt(written, reading);
    if (source === undefined) return undefined;
    const read = reading.context.compile(source, result);
    if (read.ok) return read.value;
    for (const { offset, problem } of read.problems) {
      reportBelow(reading, written, { keys: [], offset, ...splitProblem(problem) });
    }
    return undefined;
  },
  schema: () => ({ type: 'string', ...meaning('expression') }),
});

const keyForm = expressionForm('any');

const byKey = block({
  'by-key': {
    form: keyForm,
    help: 'An expression: messages with the same value keep their order, others may overtake them.',
    needed: true,
    example: 'field("PID-3.1")',
  },
  partitions: setting.integer({
    help: 'How many lines the messages are spread over, and so how many are sent at once.',
    default: 8,
    minimum: 2,
    maximum: 64,
  }),
});

const orderWord = setting.choice(
  {
    fifo: 'strictly in the order of acceptance, one at a time',
    none: 'as fast as the pool allows; messages may overtake each other',
  },
  { help: 'The order in which messages are worked on.', default: 'fifo' },
);

const order = {
  form: shaped<OrderGiven>({ scalar: settingForm(orderWord), block: byKey }),
  help: 'fifo, none, or { by-key: expression, partitions: 8 }. Default fifo.',
  example: 'fifo',
  ofQueue: true,
} as const;

/** The order as read: a word, or a key with the number of lines. */
export type OrderGiven = 'fifo' | 'none' | NonNullable<ReturnType<typeof byKey.read>>;

const retry = { form: retryForm, help: 'How a message is retried.', ofQueue: true } as const;

const processRetry = {
  ...retry,
  help: 'How a message is retried when code, a rule or a transform failed temporarily (`TemporaryError`, a table that is down). Permanent failures are suspended at once.',
} as const;

const collect = block({
  key: {
    form: keyForm,
    help: 'An expression: messages with the same value are collected together. Without it, all are.',
    example: 'field("PID-3.1")',
  },
  count: setting.integer({
    help: 'How many are collected at most.',
    default: 1_000,
    minimum: 1,
    maximum: 100_000,
  }),
  end: {
    form: expressionForm('bool'),
    help: 'An expression that is true for the last message; it is collected as well.',
    example: 'type == "ACK"',
  },
  within: setting.duration({
    help: 'How long after the first message the collected ones become a message at the latest.',
    default: '24h',
  }),
  size: setting.size({
    help: 'From how many bytes on the collected ones become a message.',
    default: '8MB',
  }),
  as: setting.choice(JOINED_AS, { help: 'What they become.', default: 'json' }),
});
export type CollectGiven = NonNullable<ReturnType<typeof collect.read>>;

const receives = block({
  key: {
    form: keyForm,
    help: 'An expression: the key under which a waiting message may receive this one; empty for one that is always worked on itself.',
    needed: true,
    example: 'type == "ORU_R01" ? field("ORC-2") : ""',
  },
  keep: setting.duration({
    help: 'How long a message with a key waits for somebody to wait for it, before it is worked on itself.',
    default: '0s',
  }),
});

const PROCESS = {
  rules: {
    form: raw(rulesSchema),
    help: 'The rules of a router: which target, and why.',
    change: 'next message',
  },
  code: setting.optional(
    setting.path({
      help: 'The module of a process in TypeScript, with `defineProcess` as its default export.',
      example: 'processes/letters.ts',
    }),
  ),
  receives: {
    form: receives,
    help: 'Which messages `context.receive` of the code gives to a message that waits for them.',
    change: 'next message',
  },
  collect: {
    form: collect,
    help: 'Collects messages and sends one made of them to `to`.',
    change: 'next message',
  },
  run: {
    form: oneOf({
      inline: 'while the message is accepted, without a queue of its own',
      queued: 'from a queue of its own; survives a restart',
    }),
    help: 'Where it runs. Default inline for rules, queued for code and collect.',
  },
  to: {
    form: many(settingForm(target)),
    help: 'The targets of what is collected; of code those that it may send to, for the map and the check. Rules say it themselves.',
    example: '[registrar]',
    change: 'next message',
  },
  ...checkSettings,
  pool,
  order,
  whileWaiting: {
    form: oneOf({
      hold: 'the next message of its line waits as well, which keeps the order',
      release:
        'others go on meanwhile, and it lines up again when its time comes or its answer arrives',
    }),
    help: 'What the code holds up while it waits in `sleep` or `call`. Default hold if the order is kept, release with order: none.',
    ofQueue: true,
  },
  retry: processRetry,
  ...COMMON,
} as const satisfies HostSettings;

const OPERATION = {
  adapter: setting.text({
    help: "The type of the adapter, or the file of one of the production's own.",
    example: 'mllp-out',
  }),
  settings: { form: raw(anyBlock), help: "The adapter's settings: `waybill adapters <type>`." },
  pool,
  order,
  retry,
  timeout: setting.duration({
    help: 'How long one send may take in all, however well it goes on: large files to slow peers need more.',
    default: '60s',
  }),
  replies: {
    form: named(replyActions, replyKey),
    help: "What an answer means: code or problem → complete, warn, retry, suspend, stop or fail. Overrides the adapter's own.",
    example: '{ AE: suspend, AR: retry }',
  },
  answersTo: {
    form: many(settingForm(target)),
    help: 'The processes and operations that get each answer as a message of its own, once the answered message is completed. An answer without a body is not sent.',
    example: '[registry-answers]',
    preset: [],
  },
  refusalsTo: {
    form: many(settingForm(target)),
    help: 'As answersTo, for the answers of the peer to messages that end as an error or suspended: a refusal, such as an HL7 AE or an OperationOutcome.',
    example: '[refused-orders]',
    preset: [],
  },
  ...COMMON,
} as const satisfies HostSettings;

/** The key of a production that holds each kind of host. */
export const SECTIONS = {
  service: 'services',
  process: 'processes',
  operation: 'operations',
} as const;

export type HostKind = keyof typeof SECTIONS;

/** The settings of each kind of host, in the order in which they are shown. */
export const hostSettings: Readonly<Record<HostKind, Readonly<Record<string, HostSetting>>>> = {
  service: SERVICE,
  process: PROCESS,
  operation: OPERATION,
};

export const serviceForm = block(SERVICE);
export const processForm = block(PROCESS);
export const operationForm = block(OPERATION);

export type ServiceGiven = BlockValues<typeof SERVICE>;
export type ProcessGiven = BlockValues<typeof PROCESS>;
export type OperationGiven = BlockValues<typeof OPERATION>;
