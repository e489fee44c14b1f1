export {
  acknowledgeFaults,
  acknowledgeSettings,
  type EdiAnswerMade,
  ediAnswer,
  ediControlNumber,
  judgedAsEdi,
} from '../edi-answer.ts';
export { codedReply, hl7Reply, judgedAsHl7, REPLY_PATTERNS, replyCodes } from '../reply-code.ts';
