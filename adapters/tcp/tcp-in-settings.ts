import { setting } from 'waybill/adapter';
import { acknowledgeSetting, arrivalSettings, connectionCounts, senderLimits } from 'waybill/peer';
import { framingIn } from './framing-settings.ts';
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
  acknowledge: acknowledgeSetting(),
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

export const tcpInSettings = {
  ...wire,
  ...answering,
  ...content,
  ...connectionCounts,
  ...senderLimits,
};

export type TcpInValues = setting.ValuesOf<typeof tcpInSettings>;
