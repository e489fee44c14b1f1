import {
  EngineError,
  inbound,
  type LentInbound,
  type NewMessage,
  type Receipt,
  setting,
} from 'waybill/adapter';
import {
  type AcknowledgementCondition,
  acknowledgement,
  acknowledgementCode,
  charsetNamed,
  declaredOr,
  type Hl7Finding,
  type Hl7Header,
  type Hl7Problem,
  hasWindowsCharacters,
  hl7Batch,
  hl7BodyProblem,
  hl7Document,
  hl7Header,
  isAnswerWanted,
  validate,
  WINDOWS_1252,
} from 'waybill/document';
import { newsFilter, relayedAnswer, tryListening } from 'waybill/peer/basics';
import {
  type AnswerTo,
  connectionCounts,
  type FrameFate,
  type FrameService,
  type FrameShare,
  type FrameSource,
  listenSettings,
  listenTcp,
  type Sender,
  SenderConnection,
  senderLimits,
} from 'waybill/peer/tcp';
import { FrameReader } from './frame-reader.ts';
import { frameMarks, framingSetting, withoutMarks } from './framing.ts';

const wire = { ...listenSettings(2575), framing: framingSetting('flexible') };

const acknowledging = {
  acknowledge: setting.choice(
    {
      stored: 'Once the message is stored',
      application: 'With the answer of the target, once there is one',
      never: 'Never',
      'by-message':
        'As each message requests in MSH-15 and MSH-16; without them, once it is stored',
    },
    { help: 'When the sender is acknowledged.', default: 'stored' },
  ),
  commitCodes: setting.flag({
    help: 'Acknowledges storage with CA, CE and CR instead of AA, AE and AR.',
    default: false,
    advanced: true,
  }),
  nackCode: setting.choice(
    {
      standard:
        'By the rules of HL7: AR for what cannot be processed or stored now, AE for faults in the content',
      ContentE: 'AE for faults of the message, AR for faults of this system',
      ContentR: 'AR for faults of the message, AE for faults of this system',
      AllE: 'Always AE',
      AllR: 'Always AR',
    },
    {
      help: 'The code for refused messages. Most senders repeat messages after AR, and set them aside after AE.',
      default: 'standard',
      advanced: true,
    },
  ),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target, if it is passed on to the sender.',
    default: '30s',
    advanced: true,
  }),
  inboundAcks: setting.choice(
    {
      ignore: 'It is reported and not delivered',
      deliver: 'It is delivered like any other message',
    },
    {
      help: 'What happens to an acknowledgement that a sender sends to this port. It is never answered.',
      default: 'ignore',
      advanced: true,
    },
  ),
};

const content = {
  validate: setting.choice(
    {
      none: 'Only that it begins with MSH; without MSH-10 it is identified by its bytes',
      basic: 'Also the charset, and that there is one message per frame',
      structure: 'Also that the segments are those of the message structure of its version',
      full: 'Also required fields, repetitions and data types',
    },
    {
      help: 'What a message must satisfy to be accepted; otherwise it is refused and the answer names segment and field.',
      default: 'basic',
    },
  ),
  versions: setting.list(setting.text({ help: 'A version as in MSH-12, such as 2.5.1.' }), {
    help: 'The accepted versions of HL7. If empty, all are accepted.',
    example: '["2.3", "2.5.1"]',
    advanced: true,
  }),
  batch: setting.choice(
    {
      split: 'Each message of a batch is delivered separately',
      whole: 'A batch is delivered as one message',
    },
    { help: 'What happens to a batch (BHS … BTS or FHS … FTS).', default: 'split', advanced: true },
  ),
  batchAnswer: setting.choice(
    {
      each: 'One acknowledgement for each message',
      batch: 'One batch with an acknowledgement for each message',
    },
    { help: 'How a batch that was split is answered.', default: 'each', advanced: true },
  ),
  charset: setting.optional(
    setting.text({
      help: 'The text encoding of messages that do not declare one in MSH-18. windows-1252 is also that of messages that declare 8859/1: many senders call it so.',
      example: 'ISO-8859-1',
    }),
  ),
};

const mllpInSettings = {
  ...wire,
  ...acknowledging,
  ...content,
  ...connectionCounts,
  ...senderLimits,
};

type MllpInSettings = setting.ValuesOf<typeof mllpInSettings>;

export default inbound({
  type: 'mllp-in',
  title: 'HL7 v2 over MLLP, listening',
  summary: 'Accepts HL7 v2 messages on a TCP port and acknowledges each once it is stored.',
  settings: mllpInSettings,
  open(lent) {
    const service = new Intake(lent);
    return listenTcp(
      lent,
      (socket, sender, isNews) => new SenderConnection(socket, { lent, service, sender, isNews }),
    );
  },
  test: (lent, step) => tryListening(lent, step, lent.settings),
});

type IntakeLent = Pick<
  LentInbound<typeof mllpInSettings>,
  'deliver' | 'event' | 'log' | 'settings'
>;

interface Incoming {
  readonly body: Uint8Array;
  readonly header: Hl7Header;
  readonly plan: AnswerPlan;
  readonly sender: Sender;
  readonly answer: AnswerTo;
}

type Letter = 'error' | 'reject';

/** The answers for the setting `nackCode`, by whose fault it is. */
const LETTERS = {
  ContentE: { message: 'error', system: 'reject' },
  ContentR: { message: 'reject', system: 'error' },
  AllE: { message: 'error', system: 'error' },
  AllR: { message: 'reject', system: 'reject' },
} as const;

/** Handles each message from a frame: checks, delivers and answers it. One per listener. */
class Intake implements FrameService {
  readonly unreadable = { event: 'not-hl7', what: 'not HL7' };
  readonly #lent: IntakeLent;
  readonly #settings: MllpInSettings;
  readonly #marks: ReturnType<typeof frameMarks>;
  readonly #isNews = newsFilter();
  #toldWindows = false;

  constructor(lent: IntakeLent) {
    this.#lent = lent;
    this.#settings = lent.settings;
    this.#marks = frameMarks(lent.settings.framing);
  }

  get isAnswered(): boolean {
    return this.#settings.acknowledge !== 'never';
  }

  reader(share: FrameShare): FrameSource {
    return new FrameReader(this.#settings.framing, this.#settings.limit, share);
  }

  framed(answer: Uint8Array): Uint8Array {
    const { before, after } = this.#marks;
    return Buffer.concat([before, withoutMarks(answer, this.#settings.framing), after]);
  }

  async take(body: Uint8Array, sender: Sender, answer: AnswerTo): Promise<FrameFate> {
    const header = hl7Header(body);
    const plan = answerPlan(this.#settings, header);
    const incoming: Incoming = { body, header, plan, sender, answer };
    if (header.problem !== undefined && !this.#isTolerated(header)) {
      this.#refuse(incoming, [header.problem]);
      return header.kind === 'none' ? 'unreadable' : 'refused';
    }
    return await this.#takeMessage(incoming);
  }

  refuseBeginning(
    beginning: Uint8Array,
    sender: Sender,
    { kind, answer }: { readonly kind: 'too-large' | 'no-room'; readonly answer: AnswerTo },
  ): void {
    const header = hl7Header(beginning);
    if (header.problem !== undefined && !this.#isTolerated(header)) return;
    const plan = answerPlan(this.#settings, header);
    const incoming: Incoming = { body: beginning, header, plan, sender, answer };
    if (kind === 'too-large') {
      const text = 'The message is larger than this port takes';
      this.#refuse(incoming, [{ code: '207', text, answer: 'reject' }]);
      return;
    }
    const text = 'Too many large messages in progress, try again';
    this.#answerNo(incoming, [{ code: '207', text, answer: 'reject' }], 'system');
  }

  /** Without checks a message needs neither a type nor a control id: its body is its id. */
  #isTolerated({ problem }: Hl7Header): boolean {
    return this.#settings.validate === 'none' && problem?.code === '101';
  }

  async #takeMessage(incoming: Incoming): Promise<FrameFate> {
    const { body, header, sender } = incoming;
    if (header.isAcknowledgement && this.#settings.inboundAcks === 'ignore') {
      this.#tell(
        sender,
        'acknowledgement-ignored',
        `An acknowledgement arrived from ${sender.address} and was ignored. With inboundAcks: deliver it is a message like any other.`,
      );
      return 'taken';
    }
    if (header.kind === 'batch' && this.#settings.batch === 'split') {
      return await this.#takeBatch(incoming);
    }
    const problems = messageProblems(this.#settings, body, header);
    if (problems.length > 0) {
      this.#refuse(incoming, problems);
      return 'refused';
    }
    return await this.#deliver(incoming);
  }

  /** Splits a batch; its messages are handled one after another, in order. */
  async #takeBatch({ body, header, sender, answer }: Incoming): Promise<FrameFate> {
    const batch = hl7Batch(body);
    for (const { text } of batch.findings) {
      this.#tell(
        sender,
        'batch-odd',
        `Something is wrong with a batch from ${sender.address}: ${text}`,
      );
    }
    if (batch.messages.length === 0) {
      answer(acknowledgement(header, { code: 'AA' }));
      return 'taken';
    }
    const together = this.#settings.batchAnswer === 'batch' ? ([] as Uint8Array[]) : undefined;
    const keep = together === undefined ? answer : (one: Uint8Array) => void together.push(one);
    for (const message of batch.messages) await this.take(message, sender, keep);
    if (together !== undefined) {
      answer(batchAnswer(header, together, batch.findings.map(({ text }) => text).join(' ')));
    }
    return 'taken';
  }

  async #deliver(incoming: Incoming): Promise<FrameFate> {
    const { header, plan, answer } = incoming;
    const stored = (): void => {
      const wanted = wantedAnswer(plan.stored, 'success');
      if (wanted === undefined) return;
      answer(acknowledgement(header, { code: acknowledgementCode('accept', wanted.commit) }));
    };
    try {
      const message = this.#messageOf(incoming);
      if (!waitsForTarget(plan)) {
        await this.#lent.deliver(message);
        stored();
        return 'taken';
      }
      const timeout = this.#settings.answerTimeout;
      const receipt = await this.#lent.deliver(message, { reply: true, timeout, stored });
      this.#answerForTarget(incoming, receipt);
      return 'taken';
    } catch (error) {
      this.#answerNotStored(incoming, error);
      return 'refused';
    }
  }

  #messageOf({ body, header, sender }: Incoming): NewMessage {
    this.#warnOfWindows(body, header, sender);
    return {
      body,
      type: header.type,
      charset: declaredOr(header.charset, this.#settings.charset)?.name ?? this.#settings.charset,
      origin: sender.origin,
      // without one, its bytes distinguish it from others
      dedupeKey: header.controlId || 'without MSH-10',
    };
  }

  /** Once: its text would be read with control characters in it, and nobody would know why. */
  #warnOfWindows(body: Uint8Array, { charset }: Hl7Header, { address }: Sender): void {
    if (this.#toldWindows || charset?.name !== 'iso-8859-1') return;
    if (charsetNamed(this.#settings.charset)?.name === WINDOWS_1252) return;
    if (!hasWindowsCharacters(body)) return;
    this.#toldWindows = true;
    const text = `${address} declares 8859/1 in MSH-18 and sends characters of Windows-1252, such as € or „. They are passed on as they came; set charset to windows-1252 so that rules and transforms read them.`;
    this.#lent.event('warn', 'windows-1252', text);
  }

  #answerForTarget({ header, plan, answer }: Incoming, receipt: Receipt): void {
    const { body, result } = relayedAnswer(header, receipt);
    if (wantedAnswer(plan.application, result) !== undefined) answer(body);
  }

  /** The engine reports why; the sender learns whether a retry helps. */
  #answerNotStored(incoming: Incoming, error: unknown): void {
    const code = error instanceof EngineError ? ` (${error.code})` : '';
    const [text, answer, fault] =
      error instanceof EngineError && error.retryable
        ? (['Message not stored, try again', 'reject', 'system'] as const)
        : (['Application internal error', 'error', 'message'] as const);
    this.#answerNo(incoming, [{ code: '207', text: text + code, answer }], fault);
  }

  #refuse(incoming: Incoming, problems: readonly Hl7Problem[]): void {
    const [first] = problems;
    const text = `Refused a message of ${incoming.sender.address}: ${first?.text ?? ''}`;
    this.#tell(incoming.sender, 'message-refused', text.endsWith('.') ? text : `${text}.`);
    this.#answerNo(incoming, problems, 'message');
  }

  #answerNo(
    incoming: Incoming,
    problems: readonly Hl7Problem[],
    fault: 'message' | 'system',
  ): void {
    const { header, plan, answer } = incoming;
    const wanted =
      wantedAnswer(plan.stored, 'failure') ?? wantedAnswer(plan.application, 'failure');
    if (wanted === undefined) return;
    const standard = problems.some((problem) => problem.answer === 'reject') ? 'reject' : 'error';
    const letter = this.#letter(fault, standard);
    answer(acknowledgement(header, { code: acknowledgementCode(letter, wanted.commit), problems }));
  }

  #letter(fault: 'message' | 'system', standard: Letter): Letter {
    const { nackCode } = this.#settings;
    return nackCode === 'standard' ? standard : LETTERS[nackCode][fault];
  }

  #tell({ address }: Sender, name: string, text: string): void {
    if (this.#isNews(`${address} ${text}`)) this.#lent.event('warn', name, text);
    this.#lent.log.debug({ peer: address, reason: name }, 'message not taken');
  }
}

/** Which answers a message gets, and when. */
interface AnswerPlan {
  /** The answer once it is stored or refused; undefined for none. `commit`: with CA, CE and CR. */
  readonly stored:
    | { readonly when: AcknowledgementCondition; readonly commit: boolean }
    | undefined;
  /** The answer once the target has answered; undefined for none. */
  readonly application: { readonly when: AcknowledgementCondition } | undefined;
}

const NONE: AnswerPlan = { stored: undefined, application: undefined };

/** Combines the setting with MSH-15 and MSH-16, if those decide. */
function answerPlan(
  { acknowledge, commitCodes }: Pick<MllpInSettings, 'acknowledge' | 'commitCodes'>,
  { acceptAck, applicationAck, isAcknowledgement }: Hl7Header,
): AnswerPlan {
  const original: AnswerPlan = {
    stored: { when: 'AL', commit: commitCodes },
    application: undefined,
  };
  // Answering an answer could go on for ever.
  if (isAcknowledgement || acknowledge === 'never') return NONE;
  if (acknowledge === 'application') return { stored: undefined, application: { when: 'AL' } };
  if (acknowledge === 'stored') return original;
  if (acceptAck === undefined && applicationAck === undefined) return original;
  return {
    stored: acceptAck === undefined ? undefined : { when: acceptAck, commit: true },
    application: applicationAck === undefined ? undefined : { when: applicationAck },
  };
}

/** Whether to wait for the target's answer. */
function waitsForTarget({ application }: AnswerPlan): boolean {
  return application !== undefined && application.when !== 'NE';
}

/** Whether an answer is sent for this result, and with what kind of code. */
function wantedAnswer(
  part: { readonly when: AcknowledgementCondition; readonly commit?: boolean } | undefined,
  result: 'success' | 'failure',
): { readonly commit: boolean } | undefined {
  return part !== undefined && isAnswerWanted(part.when, result)
    ? { commit: part.commit ?? false }
    : undefined;
}

/**
 * Puts the acknowledgements of a batch's messages into one batch, with the sender's delimiters and
 * addressed to it. `comment` goes to BTS-2.
 */
function batchAnswer(
  header: Hl7Header,
  answers: readonly Uint8Array[],
  comment: string,
): Uint8Array {
  const { delimiters, slots } = header;
  const slot = (field: number): string => slots[field - 1] ?? '';
  const join = (fields: readonly string[]): Buffer =>
    Buffer.from(`${fields.join(delimiters.field)}\r`, 'latin1');
  const plain = comment.replaceAll(/[^\w .,:-]/g, ' ');
  return Buffer.concat([
    // BHS-3 and 4 are swapped with 5 and 6; BHS-12 names the batch being answered.
    join(['BHS', delimiters.encoding, ...[5, 6, 3, 4].map(slot), '', '', '', '', '', slot(11)]),
    ...answers,
    join(['BTS', String(answers.length), ...(plain === '' ? [] : [plain])]),
  ]);
}

/** The maximum number of ERR segments in one answer. */
const MOST = 20;

/** Why a message is refused by the settings `versions` and `validate`; empty if it is accepted. */
function messageProblems(
  { versions, validate: level }: Pick<MllpInSettings, 'versions' | 'validate'>,
  body: Uint8Array,
  header: Hl7Header,
): readonly Hl7Problem[] {
  if (versions.length > 0 && !versions.includes(header.version)) {
    const text = `Unsupported version id ${header.version}`;
    const where = { segment: 'MSH', segmentIndex: 1, field: 12 };
    return [{ code: '203', text, answer: 'reject', ...where }];
  }
  if (level === 'none' || header.kind === 'batch') return [];
  const problem = hl7BodyProblem(body, header);
  if (problem !== undefined) return [problem];
  if (level === 'basic') return [];
  return validate(hl7Document(body), level)
    .filter(({ severity }) => severity === 'error')
    .slice(0, MOST)
    .map(problemOf);
}

/**
 * Only an unsupported version or processing id is AR; an unknown type or event is a fault of the
 * message (AE): AR asks to send it again.
 */
function problemOf({ code, text, segment, segmentIndex, field }: Hl7Finding): Hl7Problem {
  return {
    code,
    text,
    segment,
    segmentIndex,
    ...(field !== undefined && { field }),
    answer: code === '202' || code === '203' ? 'reject' : 'error',
  };
}
