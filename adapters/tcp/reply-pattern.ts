import { setting } from 'waybill/adapter';
import { pattern, patternProblem } from 'waybill/document';

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
