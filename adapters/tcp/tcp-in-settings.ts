import { setting } from 'waybill/adapter';
import { acknowledgeSetting, arrivalSettings, connectionCounts, senderLimits } from 'waybill/peer';
import { framingIn } from './framing-settings.ts';
import { wireBytes } from './wire-bytes.ts';

const wire = { ...arrivalSettings(4000), ...framingIn };

const answering = {
  answer: setting.choice(
    {
      none: 'Nothing; a message that cannot be stored now is kept in memory and tried again, and no more is read meanwhile',
      stored:
        'A fixed answer once the message is stored (accepted), and another one if it could not be (refused)',
      target: 'The answer of the target, once it has one',
    },
    { help: 'What a sender is answered.', default: 'none' },
  ),
  accepted: wireBytes({
    help: 'The fixed answer for a message that is stored, with all bytes that belong to it. Names, hexadecimal or text in quotes.',
    default: 'ACK',
    example: 'STX ACK ETX',
  }),
  refused: wireBytes({
    help: 'The answer for a message that could not be stored, or that did not end well at its target. Empty answers nothing and closes the connection.',
    default: 'NAK',
  }),
  acknowledge: acknowledgeSetting(),
  answerMarks: setting.flag({
    help: 'Whether the answer of the target, or an acknowledgement, is framed as messages are. If not, its bytes are written as they are.',
    default: true,
    advanced: true,
  }),
  answerTimeout: setting.duration({
    help: 'How long the answer of the target is waited for; after it the sender gets that of refused, although the message is stored.',
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
      help: 'The type of the messages, such as text/csv. Left out, HL7, JSON and XML are known by their beginning, and anything else is application/octet-stream.',
      example: 'text/plain',
    }),
  ),
  charset: setting.optional(
    setting.text({ help: 'The text encoding of the messages.', example: 'ISO-8859-1' }),
  ),
  repetitions: setting.choice(
    {
      each: 'Each message counts, also one with the same bytes as another',
      once: 'The same bytes within duplicateWindow are stored once: for senders that repeat what they got no answer for',
    },
    {
      help: 'What becomes of a message that comes again. HL7 messages with a control id, and interchanges of X12 and EDIFACT with a control number, are always stored once.',
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
