import {
  type About,
  bad,
  type Declare,
  good,
  optional,
  type Setting,
  text,
  type ValuesOf,
} from '../adapter/setting.ts';
import {
  acknowledgementText,
  pattern,
  patternProblem,
  readAcknowledgement,
} from '../document/index.ts';
import { isTold } from '../error/foreseen.ts';
import type { Reply } from '../message/message.ts';
import { fileType } from './folder/file-type.ts';

/** A peer's answer as the text that patterns are matched against: one character for each byte. */
type AnswerText = string;

type ReplyPattern = (answer: AnswerText) => readonly (string | undefined)[] | undefined;

/** A regular expression that is matched against an answer. */
const replyPattern: Declare<ReplyPattern, string> = (
  about: About<string>,
): Setting<ReplyPattern, string> => ({
  kind: 'text',
  ...about,
  read: (given) => {
    if (typeof given !== 'string') return bad('must be text');
    const problem = patternProblem(given);
    return problem === undefined ? good((answer) => pattern(given).first(answer)) : bad(problem);
  },
});

/** What the answers of a peer mean that has no codes of its own. */
export const replyCodes = {
  accepted: optional(
    replyPattern({
      help: 'A regular expression for answers with which the peer accepted the message; the code of the reply is then accepted. Bytes are written as \\x06.',
      example: '^(\\x06|OK)',
    }),
  ),
  busy: optional(
    replyPattern({
      help: 'A regular expression for answers that ask for a retry later; the code of the reply is then busy, and the message is tried again.',
      example: '^(\\x15|BUSY)',
    }),
  ),
  refused: optional(
    replyPattern({
      help: 'A regular expression for answers with which the peer refused the message; the code of the reply is then refused, and the message is set aside.',
      example: '^ERR',
    }),
  ),
  code: optional(
    replyPattern({
      help: 'A regular expression for the code in an answer, to be judged by replies: its first group, or the whole match. Used if none of accepted, busy and refused matches.',
      example: '^RC=(\\w+)',
    }),
  ),
  replyType: optional(
    text({
      help: 'The type of the answers, such as text/plain. If left out, HL7, JSON and XML are recognised by their beginning.',
      advanced: true,
    }),
  ),
};

type ReplyCodes = ValuesOf<typeof replyCodes>;

/** The settings that find a code in an answer. */
export const REPLY_PATTERNS = ['accepted', 'busy', 'refused', 'code'] as const;

/** The answer with the code found by its patterns. */
export function codedReply(body: Buffer, settings: ReplyCodes): Reply {
  const type = settings.replyType ?? fileType(body, '');
  // without patterns, any answer is accepted
  const code = hasPatterns(settings) ? codeOf(body.toString('latin1'), settings) : undefined;
  return code === undefined ? { body, type } : { body, type, code };
}

/** A code in the form that `replies` uses. */
const CODE = /^[A-Za-z0-9]{1,20}$/;

function codeOf(answer: string, settings: ReplyCodes): string {
  const told = (['refused', 'busy', 'accepted'] as const).find(
    (name) => settings[name]?.(answer) !== undefined,
  );
  if (told !== undefined) return told;
  const found = settings.code?.(answer);
  const named = found?.[1] ?? found?.[0] ?? '';
  return CODE.test(named) ? named : 'unknown';
}

/** As `codedReply` and then `judgedAsHl7`, for an answer whose type and code are not those of the settings. Undefined for any other. */
export function hl7Reply(body: Buffer, settings: ReplyCodes): Reply | undefined {
  const isOwn = settings.replyType === undefined && !hasPatterns(settings);
  if (!isOwn || !(body[0] === 0x4d && body[1] === 0x53 && body[2] === 0x48)) return undefined;
  const reply = judgedAsHl7({ body, type: 'HL7v2' });
  return reply.code === undefined ? undefined : reply;
}

const hasPatterns = (settings: ReplyCodes): boolean =>
  REPLY_PATTERNS.some((name) => settings[name] !== undefined);

/** The same reply with the code and the text of the HL7 acknowledgement in its body; unchanged if there is none. */
export function judgedAsHl7(reply: Reply): Reply {
  try {
    const read = readAcknowledgement(reply.body, undefined);
    if (read.code === '') return reply;
    const told = acknowledgementText(read);
    const said = told !== '' && reply.text ? `${told}\n${reply.text}` : told || reply.text;
    return { ...reply, type: read.type, code: read.code, text: said || undefined };
  } catch (error) {
    // the answer of a proxy, or of a server with a problem
    if (isTold(error)) return reply;
    throw error;
  }
}
