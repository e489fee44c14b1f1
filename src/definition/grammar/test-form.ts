import { setting } from '../../adapter/index.ts';
import { type BlockValues, block, type Fields } from '../form/block.ts';
import { type Form, many, type Named, named, report, shaped } from '../form/form.ts';
import { type TextMeaning, withMeaning } from '../form/meaning.ts';
import { settingForm, textAt } from '../form/setting-form.ts';
import { ENTRY_NAME } from './name-rule.ts';

const text = (help: string, example?: string) =>
  setting.optional(setting.text({ help, ...(example === undefined ? {} : { example }) }));
const words = (help: string, means?: TextMeaning): Form<readonly string[]> => {
  const one = settingForm(setting.text({ help }));
  return many(means === undefined ? one : withMeaning(one, means));
};

/** Any text may be a key: paths, names of rules, codes. */
const ANY = { pattern: '', problem: () => undefined };

const anyOf = (names: TextMeaning) => ({ ...ANY, names });

/** The same words, written as a block of names. */
const textsByName = named(settingForm(setting.text({ help: 'A text.' })), ANY);

const messageFields = {
  times: setting.optional(
    setting.integer({ help: 'This many messages like this, one after another.', minimum: 1 }),
  ),
  type: text('The type of the message; HL7v2:, X12: or EDIFACT: may be left out.', 'ADT_A01:2.3'),
  name: text('The label of the message: a file name, a subject.'),
  fields: {
    form: named(
      words('The value there; a list means all values, such as all repetitions.'),
      anyOf('message path'),
    ),
    help: 'Path → value: HL7 paths, JSON pointers, XPath or columns.',
    example: '{ MSH-3: WAYBILL, PV1-3.1: NORTH }',
  },
  present: { form: words('A path.', 'message path'), help: 'Paths that must not be empty.' },
  absent: {
    form: words('A path.', 'message path'),
    help: 'Paths that must be empty, such as whole segments.',
    example: '[NK1]',
  },
  body: text('The file with the exact message.', 'expected/ward.hl7'),
  contains: { form: words('A text.'), help: 'Texts that must be somewhere in the message.' },
} as const satisfies Fields;

const message = block(messageFields);
export type ExpectedMessage = BlockValues<typeof messageFields>;

/** How many messages a target gets, or what each of them is. */
export type ExpectedMessages = number | readonly ExpectedMessage[];

const count: Form<ExpectedMessages> = settingForm(
  setting.integer({ help: 'How many messages.', minimum: 0 }),
);

const expected: Form<ExpectedMessages> = shaped<ExpectedMessages>({
  scalar: count,
  block: many(message),
  list: many(message),
});

const answerFields = {
  status: setting.choice(
    {
      completed: 'the target took it',
      error: 'it failed',
      suspended: 'it waits for a person',
    },
    { help: 'How the call ended.', default: 'completed' },
  ),
  code: text('The code of the answer.', 'AA'),
  text: text('The explanation in the answer.'),
  error: text('The code of the error with which it failed.', 'ADAPTER_TEMPORARY'),
  retryable: setting.flag({ help: 'Whether that error says that a retry helps.', default: false }),
  type: text('The type of the answer’s body.', 'application/json'),
  body: text('The file with the answer’s body.'),
  content: text('The answer’s body itself.'),
} as const satisfies Fields;
const answers = many(block(answerFields));
export type ScriptedAnswer = BlockValues<typeof answerFields>;

const replyFields = {
  type: text('The type of the reply.'),
  code: text('The code of the reply.', 'AA'),
  fields: messageFields.fields,
  body: messageFields.body,
} as const satisfies Fields;

const processes = words('A process.', 'process');
const reasons = named(settingForm(setting.text({ help: 'A text.' })), anyOf('process'));

/** The processes that suspend the message; a text must be part of the reason. */
const suspended: Form<ReadonlyMap<string, Named<string>>> = {
  read(written, reading) {
    if (written.kind === 'block') return reasons.read(written, reading);
    const names = processes.read(written, reading);
    if (names === undefined) return undefined;
    return new Map(names.map((name) => [name, { name, value: '', place: written.place, written }]));
  },
  schema: () => ({ anyOf: [processes.schema(), reasons.schema()] }),
};

const receivedFields = {
  message: text('The file with the message.', 'messages/admission.hl7'),
  text: text('The message itself, instead of a file; in UTF-8. Line ends of HL7 are corrected.'),
  type: text('The type of the message, if it is not HL7, JSON or XML.', 'text/csv'),
  label: text('The label the adapter would give: a file name, a subject.'),
} as const satisfies Fields;

const givenFields = {
  in: {
    form: withMeaning(settingForm(setting.text({ help: 'A service.' })), 'service'),
    help: 'The service the message arrives at; may be left out if there is only one.',
  },
  ...receivedFields,
} as const satisfies Fields;
export type GivenMessage = BlockValues<typeof givenFields>;

const caseFields = {
  name: setting.text({ help: 'What must be true, as a sentence.' }),
  ...givenFields,
  next: {
    form: many(block(givenFields)),
    help: 'Further messages that come after the first, one after another; what is expected is of all of them.',
    example: '[{ message: messages/second.hl7 }]',
  },
  lookups: {
    form: named(textsByName, { ...ENTRY_NAME, names: 'lookup' }),
    help: 'Entries of code tables that replace those in the files, by table.',
    example: '{ wards: { W1: NORTH } }',
  },
  calls: {
    form: named(answers, anyOf('target')),
    help: 'What targets answer to the calls of code processes, in order.',
  },
  receives: {
    form: many(block(receivedFields)),
    help: 'What code processes receive with `context.receive`, in order; after the last one the time is over.',
    example: '[{ message: messages/result.hl7 }]',
  },
  expect: {
    form: named(expected, anyOf('target')),
    help: 'Target → number of messages, or what each message is. A target that is not named gets none.',
  },
  others: setting.choice(
    {
      none: 'a message to a target that is not named is a failure',
      any: 'other targets may get anything',
    },
    { help: 'What applies to targets that are not named under expect.', default: 'none' },
  ),
  rules: {
    form: named(words('The name of a rule.'), anyOf('process')),
    help: 'Router → the rules that must fire; no others may.',
  },
  discarded: {
    form: words('A process.', 'process'),
    help: 'The processes that discard the message.',
  },
  suspended: {
    form: suspended,
    help: 'The processes that suspend the message; a text must be part of the reason.',
  },
  reply: { form: block(replyFields), help: 'What a code process answers to the sender.' },
} as const satisfies Fields;

export type TestCase = BlockValues<typeof caseFields>;

const instant: Form<number> = {
  read(written, reading) {
    const given = textAt(written, reading);
    if (given === undefined) return undefined;
    const time = Date.parse(given);
    if (!Number.isNaN(time)) return time;
    return report(reading, written.place, 'must be a time such as 2026-01-15T08:00:00Z');
  },
  schema: () => ({ type: 'string' }),
};

/** The whole of `production.test.yaml`. */
export const testFileForm = block({
  clock: {
    form: instant,
    help: 'The fixed time during the tests. Default 2026-01-01T00:00:00Z.',
    example: '2026-01-15T08:00:00Z',
  },
  overlays: { form: words('The name of an overlay.'), help: 'Overlays to test with.' },
  environment: {
    form: textsByName,
    help: 'Values of ${env:NAME}, instead of those of the process.',
  },
  cases: {
    form: many(withPlace(block(caseFields))),
    help: 'The cases, each with one message.',
    needed: true,
  },
});

/** A case and its place. */
function withPlace(form: Form<TestCase>): Form<PlacedCase> {
  return {
    read(written, reading) {
      const value = form.read(written, reading);
      return value === undefined ? undefined : { ...value, place: written.place };
    },
    schema: form.schema,
  };
}

export type PlacedCase = TestCase & { readonly place: Named<unknown>['place'] };
