import { type SettingsFault, setting } from 'waybill/adapter';
import { pattern, patternProblem } from 'waybill/document';
import { peerAddress, replyLimit, sendingTimes, tlsClient } from 'waybill/peer';
import { framingFaults, framingOut } from './framing-settings.ts';

/** A peer's answer as the text that patterns are matched against: one character for each byte. */
export type AnswerText = string;

export type ReplyPattern = (answer: AnswerText) => readonly (string | undefined)[] | undefined;

/** A regular expression that is matched against an answer. */
export const replyPattern: setting.Declare<ReplyPattern, string> = (
  about: setting.About<string>,
): setting.Setting<ReplyPattern, string> => ({
  kind: 'text',
  ...about,
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be text');
    const problem = patternProblem(given);
    return problem === undefined
      ? setting.good((answer) => pattern(given).first(answer))
      : setting.bad(problem);
  },
});

const answers = {
  reply: setting.choice(
    {
      none: 'No answer is awaited: a message is done once it is written',
      framed: 'One that is framed like the messages',
      line: 'One line, whatever ends it',
      bytes: 'So many bytes (replyBytes), such as one ACK',
      closed: 'Everything until the peer closes the connection',
    },
    { help: 'Which answer from the peer to wait for.', default: 'none' },
  ),
  replyBytes: setting.integer({
    help: 'With reply: bytes, how many bytes an answer has.',
    default: 1,
    minimum: 1,
    maximum: 65_536,
  }),
  accepted: setting.optional(
    replyPattern({
      help: 'A regular expression for answers with which the peer accepted the message; the code of the reply is then accepted. Bytes are written as \\x06.',
      example: '^(\\x06|OK)',
    }),
  ),
  busy: setting.optional(
    replyPattern({
      help: 'A regular expression for answers that ask for a retry later; the code of the reply is then busy, and the message is tried again.',
      example: '^(\\x15|BUSY)',
    }),
  ),
  refused: setting.optional(
    replyPattern({
      help: 'A regular expression for answers with which the peer refused the message; the code of the reply is then refused, and the message is set aside.',
      example: '^ERR',
    }),
  ),
  code: setting.optional(
    replyPattern({
      help: 'A regular expression for the code in an answer, to be judged by replies: its first group, or the whole match. Used if none of accepted, busy and refused matches.',
      example: '^RC=(\\w+)',
    }),
  ),
  replyType: setting.optional(
    setting.text({
      help: 'The type of the answers, such as text/plain. If left out, HL7, JSON and XML are recognised by their beginning.',
      advanced: true,
    }),
  ),
  replyTimeout: setting.duration({
    help: 'How long to wait for an answer. Then the connection is closed, so that a late one is never taken for that of the next message.',
    default: '30s',
  }),
  replyLimit,
};

export const tcpOutSettings = {
  connect: peerAddress('device.example:4000'),
  tls: tlsClient(),
  ...framingOut,
  ...answers,
  ...sendingTimes,
};

export type TcpOutValues = setting.ValuesOf<typeof tcpOutSettings>;

/** The settings that find a code in an answer. */
export const REPLY_PATTERNS = ['accepted', 'busy', 'refused', 'code'] as const;

export function tcpOutFaults(settings: TcpOutValues): SettingsFault[] {
  const faults = framingFaults(settings);
  if (settings.reply === 'none') {
    for (const name of REPLY_PATTERNS.filter((one) => settings[one] !== undefined)) {
      const remedy = 'Say under reply which answer to wait for, or remove it.';
      faults.push({ path: [name], what: 'has no effect: reply is none', remedy });
    }
  }
  if (settings.framing === 'closed' && settings.reply === 'framed') {
    faults.push({
      path: ['reply'],
      what: 'framed does not go with framing: closed',
      remedy: 'Set reply: closed, which reads the answer until the peer closes.',
    });
  }
  return faults;
}
