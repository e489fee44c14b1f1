import { setting } from '../../adapter/index.ts';
import type { Expression } from '../../expression/expression.ts';
import { block, type Fields } from '../form/block.ts';
import { type Form, type JsonSchema, many, named, raw, reportBelow, shaped } from '../form/form.ts';
import { settingForm, textAt } from '../form/setting-form.ts';
import { splitProblem } from '../problem.ts';
import { replyActions, replyKey } from './reply-form.ts';
import { retryForm } from './retry-form.ts';
import { rulesSchema } from './rules-schema.ts';
import { quietForm, scheduleForm } from './time-form.ts';

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
    setting.duration({ help: 'Alert when no message came for this long.', example: '1h' }),
  ),
  failed: setting.optional(
    setting.integer({
      help: 'Alert when more messages than this failed or were suspended here within an hour; 0 alerts at the first.',
      minimum: 0,
      example: '10',
    }),
  ),
  quiet: {
    form: quietForm,
    help: 'The time of day in which silence is no alert.',
    example: '22:00-06:00',
  },
});

/** What every host may have. */
const COMMON = {
  title: setting.optional(setting.text({ help: 'A name for people.', example: 'ADT from Epic' })),
  comment: setting.optional(setting.text({ help: 'A note that the console shows.' })),
  tags: setting.list(setting.text({ help: 'A word to filter by.' }), {
    help: 'Words to filter hosts by in the console.',
  }),
  enabled: setting.flag({
    help: 'false keeps the host stopped until a person starts it; its queue still fills.',
    default: true,
  }),
  schedule: {
    form: scheduleForm,
    help: 'When the host is on: by days and times, or for a while from moments of cron; with a time zone if need be. Default always.',
    example: 'mon-fri 06:00-20:00, sat 08:00-12:00 Europe/Berlin',
  },
  alert: { form: hostAlert, help: 'When people are told about this host.' },
} as const satisfies Fields;

/** A choice whose default depends on other keys, so that the schema names none. */
function word<const C extends Readonly<Record<string, string>>>(
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

export const serviceForm = block({
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
      once: 'an equal message inside the duplicate window is stored once',
      all: 'every message is stored, also where it repeats another',
    },
    { help: 'What happens to a message that was sent twice.', default: 'once' },
  ),
  ...COMMON,
});

const pool = setting.optional(
  setting.integer({
    help: 'How many messages are worked on at once. Default 1, which keeps the order.',
    minimum: 1,
    maximum: 256,
  }),
);

const keyForm: Form<Expression> = {
  read(written, reading) {
    const source = textAt(written, reading);
    if (source === undefined) return undefined;
    const read = reading.context.compile(source);
    if (read.ok) return read.value;
    for (const { offset, problem } of read.problems) {
      reportBelow(reading, written, { keys: [], offset, ...splitProblem(problem) });
    }
    return undefined;
  },
  schema: () => ({ type: 'string' }),
};

const byKey = block({
  'by-key': {
    form: keyForm,
    help: 'An expression: messages of equal value keep their order, others may overtake them.',
    needed: true,
    example: 'field("PID-3.1")',
  },
  partitions: setting.integer({
    help: 'How many lines the messages are spread over, and so how many go at once.',
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
};

/** The order as read: a word, or a key with the number of lines. */
export type OrderGiven = 'fifo' | 'none' | NonNullable<ReturnType<typeof byKey.read>>;

const retry = { form: retryForm, help: 'How a message is tried again.' };

export const processForm = block({
  rules: { form: raw(rulesSchema), help: 'The rules of a router: which target, and why.' },
  code: setting.optional(
    setting.path({
      help: 'The module of a process in TypeScript, with `defineProcess` as its default export.',
      example: 'processes/letters.ts',
    }),
  ),
  run: {
    form: word({
      inline: 'while the message is accepted, without a queue of its own',
      queued: 'from a queue of its own; survives a restart in the middle',
    }),
    help: 'Where it runs. Default inline for rules, queued for code.',
  },
  to: {
    form: many(settingForm(target)),
    help: 'The targets that the code may send to, for the map and the check. Rules say it themselves.',
    example: '[registrar]',
  },
  validate: setting.choice(
    {
      none: 'messages are taken as they are',
      structure: 'segments must be those of the message type, in order',
      full: 'also fields, lengths, tables and cardinality',
    },
    { help: 'What an HL7 message must satisfy before it is worked on.', default: 'none' },
  ),
  invalid: {
    form: { read: textAt, schema: () => ({ type: 'string' }) },
    help: 'What happens to a message that does not validate: suspend, or a target. Default suspend.',
    example: 'suspend',
  },
  pool,
  order,
  whileWaiting: {
    form: word({
      hold: 'the next message of its line waits too, which keeps the order',
      release: 'others go on meanwhile, and it lines up again when its time or its answer comes',
    }),
    help: 'What the code holds while it waits in `sleep` or `call`. Default hold where the order is kept, release with order: none.',
  },
  retry,
  ...COMMON,
});

export const operationForm = block({
  adapter: setting.text({
    help: "The type of the adapter, or the file of one of the production's own.",
    example: 'mllp-out',
  }),
  settings: { form: raw(anyBlock), help: "The adapter's settings: `waybill adapters <type>`." },
  pool,
  order,
  retry,
  timeout: setting.duration({ help: 'How long one send may take.', default: '60s' }),
  replies: {
    form: named(replyActions, replyKey),
    help: "What an answer means: code or problem → complete, warn, retry, suspend, stop or fail. Over the adapter's own.",
    example: '{ AE: suspend, AR: retry }',
  },
  answersTo: {
    form: many(settingForm(target)),
    help: 'The processes and operations that get each answer as a message of its own, once the message that was answered is completed. An answer without a body goes nowhere.',
    example: '[registry-answers]',
  },
  ...COMMON,
});
