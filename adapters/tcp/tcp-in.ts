import {
  EngineError,
  inbound,
  type LentInbound,
  type NewMessage,
  type Receipt,
  type SettingsFault,
  setting,
} from 'waybill/adapter';
import { hl7Header } from 'waybill/document';
import { newsFilter, spokenProtocol, untilStored } from 'waybill/peer/basics';
import { fileType } from 'waybill/peer/folder';
import {
  acknowledgeFaults,
  acknowledgeSettings,
  ediAnswer,
  ediControlNumber,
} from 'waybill/peer/reply';
import {
  type AnswerTo,
  arrivalFaults,
  arrivalSettings,
  connectionCounts,
  type FrameFate,
  type FrameService,
  type FrameShare,
  type FrameSource,
  openArrival,
  type Sender,
  SenderConnection,
  senderLimits,
  tryArrival,
} from 'waybill/peer/tcp';
import { type Framing, framingOf } from './framing.ts';
import { framingFaults, framingIn } from './framing-settings.ts';
import { wireBytes } from './wire-bytes.ts';

const wire = { ...arrivalSettings(4000), ...framingIn };

const answering = {
  answer: setting.choice(
    {
      none: 'Nothing; a message that cannot be stored now is kept in memory and retried, and nothing more is read meanwhile',
      stored:
        'A fixed answer once the message is stored (accepted), and another if it could not be (refused)',
      target: 'The answer of the target, once it has one',
    },
    { help: 'How a sender is answered.', default: 'none' },
  ),
  accepted: wireBytes({
    help: 'The complete fixed answer for a message that is stored. Names, hexadecimal or text in quotes.',
    default: 'ACK',
    example: 'STX ACK ETX',
  }),
  refused: wireBytes({
    help: 'The answer for a message that could not be stored, or that failed at its target. If empty, the connection is closed without an answer.',
    default: 'NAK',
  }),
  ...acknowledgeSettings,
  answerMarks: setting.flag({
    help: 'Whether the answer of the target, or an acknowledgement, is framed like messages. If not, its bytes are written unchanged.',
    default: true,
    advanced: true,
  }),
  answerTimeout: setting.duration({
    help: 'How long to wait for the answer of the target; then the sender gets the answer for refused, although the message is stored.',
    default: '30s',
    advanced: true,
  }),
  closeAfterEach: setting.flag({
    help: 'Closes the connection after each message, once it is stored and answered.',
    default: false,
    advanced: true,
  }),
};

const content = {
  type: setting.optional(
    setting.text({
      help: 'The type of the messages, such as text/csv. If left out, HL7, JSON and XML are recognised by their beginning, and anything else is application/octet-stream.',
      example: 'text/plain',
    }),
  ),
  charset: setting.optional(
    setting.text({ help: 'The text encoding of the messages.', example: 'ISO-8859-1' }),
  ),
  repetitions: setting.choice(
    {
      each: 'Each message counts, also one with the same bytes as another',
      once: 'The same bytes within duplicateWindow are stored once: for senders that repeat unanswered messages',
    },
    {
      help: 'What happens to a repeated message. HL7 messages with a control id, and interchanges of X12 and EDIFACT with a control number, are always stored once.',
      default: 'each',
    },
  ),
};

const tcpInSettings = {
  ...wire,
  ...answering,
  ...content,
  ...connectionCounts,
  ...senderLimits,
};

type TcpInValues = setting.ValuesOf<typeof tcpInSettings>;

export default inbound({
  type: 'tcp-in',
  title: 'TCP, listening or connecting to the sender',
  summary:
    'Receives messages in any framing (lines, marks such as STX and ETX, a length before each, fixed length) over TCP, with or without answering.',
  settings: tcpInSettings,
  // The sender has only one connection: two engines would take it from each other.
  pollsWith: ({ callOut }) => callOut !== undefined,
  check: (settings) => Promise.resolve(tcpInFaults(settings)),
  async open(lent) {
    const service = new TcpIntake(lent);
    const open = await openArrival(
      lent,
      (socket, sender, isNews) => new SenderConnection(socket, { lent, service, sender, isNews }),
    );
    return {
      close() {
        service.stop();
        return open.close();
      },
    };
  },
  test: (lent, step) => tryArrival(lent, step),
});

function tcpInFaults(settings: TcpInValues): SettingsFault[] {
  const { callOut, closeAfterEach, framing, answer, acknowledge, repetitions } = settings;
  const faults = [
    ...framingFaults(settings),
    ...arrivalFaults(settings),
    ...acknowledgeFaults(settings),
  ];
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if (callOut !== undefined && closeAfterEach) {
    wrong('closeAfterEach', 'does not go with callOut', 'Remove it: the connection is kept.');
  }
  if (callOut !== undefined && framing === 'closed') {
    wrong('framing', 'closed does not go with callOut', 'Choose another framing, or listen.');
  }
  if (answer !== 'stored' && acknowledge !== 'none') {
    wrong('acknowledge', `does not go with answer: ${answer}`, 'Set answer: stored.');
  }
  if (answer === 'none' && repetitions === 'once') {
    faults.push({
      path: ['repetitions'],
      what: 'a sender that gets no answer has no reason to repeat a message: two equal ones may both be meant',
      remedy: 'Set repetitions: each, or an answer.',
      severity: 'warning',
    });
  }
  return faults;
}

type IntakeLent = Pick<
  LentInbound<typeof tcpInSettings>,
  'deliver' | 'event' | 'log' | 'settings' | 'signal'
>;

interface Incoming {
  readonly body: Buffer;
  readonly sender: Sender;
  readonly answer: AnswerTo;
}

/** Handles the message of each frame: delivers it, and answers it if set. One for each service. */
class TcpIntake implements FrameService {
  readonly isForOne: boolean;
  readonly isAnswered: boolean;
  readonly unreadable = { event: 'wrong-protocol', what: 'of another protocol' };
  readonly #lent: IntakeLent;
  readonly #settings: TcpInValues;
  readonly #framing: Framing;
  readonly #isNews = newsFilter();
  readonly #stopping = new AbortController();

  constructor(lent: IntakeLent) {
    this.#lent = lent;
    this.#settings = lent.settings;
    this.#framing = framingOf(lent.settings);
    this.isForOne = lent.settings.closeAfterEach;
    this.isAnswered = lent.settings.answer !== 'none';
  }

  /** Ends the tries to store what could not be stored so far. */
  stop(): void {
    this.#stopping.abort();
  }

  reader(share: FrameShare): FrameSource {
    return this.#framing.reader(this.#settings.limit, share);
  }

  /** Answers are already framed here. */
  framed(answer: Uint8Array): Uint8Array {
    return answer;
  }

  async take(body: Buffer, sender: Sender, answer: AnswerTo): Promise<FrameFate> {
    const foreign = this.#settings.framing === 'lines' ? foreignProtocol(body) : undefined;
    if (foreign !== undefined) {
      this.#tell(sender, 'wrong-protocol', `the port ${foreign.seen}. ${foreign.remedy}`);
      this.#refuse(answer);
      return 'unreadable';
    }
    const incoming = { body, sender, answer };
    const { answer: mode } = this.#settings;
    if (mode === 'none') return await this.#keepUntilStored(incoming);
    try {
      return await this.#deliver(incoming);
    } catch (error) {
      // The engine reports why; the sender is told to repeat it.
      this.#lent.log.debug({ err: error }, 'message not stored');
      return this.#refuse(answer);
    }
  }

  refuseBeginning(
    _beginning: Uint8Array,
    _sender: Sender,
    { answer }: { readonly answer: AnswerTo },
  ): void {
    this.#refuse(answer);
  }

  async #deliver({ body, sender, answer }: Incoming): Promise<FrameFate> {
    const { answer: mode, accepted, answerTimeout } = this.#settings;
    const message = this.#messageOf(body, sender);
    if (mode === 'stored') {
      const edi = ediAnswer(body, message, this.#settings);
      if (edi?.isRejected !== true) await this.#lent.deliver(message);
      else
        this.#tell(
          sender,
          'rejected',
          'its interchange was rejected, and the acknowledgement says why',
        );
      const answered = edi === undefined ? accepted : this.#framed(Buffer.from(edi.body));
      if (answered.length > 0) answer(answered);
      return edi?.isRejected === true ? 'refused' : 'taken';
    }
    const receipt = await this.#lent.deliver(message, { reply: true, timeout: answerTimeout });
    const answered = this.#answerOf(receipt, sender);
    if (answered === undefined) return this.#refuse(answer);
    if (answered.length > 0) answer(answered);
    return 'taken';
  }

  /** The bytes of the target's answer; none if it has nothing to say, undefined if it failed. */
  #answerOf({ reply, outcome }: Receipt, sender: Sender): Buffer | undefined {
    const isFine = outcome?.status === 'completed' || outcome?.status === 'discarded';
    if (outcome === undefined ? reply === undefined : !isFine) return undefined;
    const body = Buffer.from(reply?.body ?? []);
    try {
      return this.#framed(body);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      this.#tell(sender, 'answer-unfit', `the answer of the target was not sent. ${error.message}`);
      return undefined;
    }
  }

  /** Throws an EngineError if it contains the marks of the framing. */
  #framed(body: Buffer): Buffer {
    if (body.length === 0 || !this.#settings.answerMarks) return body;
    const { before, after } = this.#framing.around(body.length);
    return Buffer.concat([before, this.#framing.guard()(body), after]);
  }

  async #keepUntilStored({ body, sender }: Incoming): Promise<FrameFate> {
    const isStored = await untilStored(this.#lent, {
      message: this.#messageOf(body, sender),
      what: `A message of ${sender.address} (${body.length} bytes)`,
      because: 'with answer: none its sender cannot be told',
      signal: AbortSignal.any([this.#lent.signal, this.#stopping.signal]),
      waits: () =>
        this.#tell(
          sender,
          'not-stored-yet',
          'a message cannot be stored; it is kept and tried again',
        ),
    });
    return isStored ? 'taken' : 'refused';
  }

  #messageOf(body: Buffer, sender: Sender): NewMessage {
    const { type: given, charset, repetitions } = this.#settings;
    const type = given ?? fileType(body.subarray(0, 2_048), '');
    const header = type.startsWith('HL7v2') ? hl7Header(body) : undefined;
    const controlId = header?.controlId ?? ediControlNumber(type, body) ?? '';
    const whole = repetitions === 'once' ? 'its bytes' : undefined;
    return {
      body,
      type,
      charset: header?.charset?.name ?? charset,
      origin: sender.origin,
      dedupeKey: controlId === '' ? whole : controlId,
    };
  }

  /** If there is no answer for it, the end of the connection tells the sender. */
  #refuse(answer: AnswerTo): FrameFate {
    const { refused } = this.#settings;
    if (!this.isAnswered) return 'refused';
    if (refused.length === 0) return 'untold';
    answer(refused);
    return 'refused';
  }

  #tell({ address }: Sender, name: string, text: string): void {
    if (this.#isNews(`${address} ${name}`)) this.#lent.event('warn', name, `${address}: ${text}.`);
  }
}

/** The sender expected a web server or TLS: none of its lines is a message. */
function foreignProtocol(body: Buffer): ReturnType<typeof spokenProtocol> {
  const spoken = spokenProtocol(body);
  return spoken?.name === 'HTTP' || spoken?.name === 'TLS' ? spoken : undefined;
}
