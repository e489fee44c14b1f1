import { EngineError, type LentInbound } from 'waybill/adapter';
import { identifierFrom, identifierJson } from 'waybill/document';
import { type Command, STATUS } from './command.ts';
import type { DicomInValues, dicomInSettings } from './dicom-in-settings.ts';
import { QUERY_CLASSES } from './uids.ts';

/** The results of a query: a data set for each, in the encoding of its sender; or why there are none. */
export interface QueryResults {
  readonly status: number;
  readonly comment?: string;
  /** Why there are none, for operators. */
  readonly reason?: string;
  readonly dataSets: readonly Buffer[];
}

export interface Query {
  readonly command: Command;
  readonly identifier: Buffer;
  readonly transferSyntax: string;
  readonly origin: string;
}

type LentHere = Pick<LentInbound<typeof dicomInSettings>, 'deliver'> & {
  readonly settings: DicomInValues;
};

/**
 * Hands a query on as JSON (PS3.18 F) and makes data sets of the JSON that its target answers: an array of objects, the
 * rows of `sql-out`, or one object. Never rejects: a target that fails is a status.
 */
export async function answerQuery(
  { deliver, settings }: LentHere,
  { command, identifier, transferSyntax, origin }: Query,
): Promise<QueryResults> {
  try {
    const json = identifierJson({ bytes: identifier, transferSyntax });
    const receipt = await deliver(
      {
        body: Buffer.from(json),
        type: 'application/dicom+json',
        charset: 'UTF-8',
        name: QUERY_CLASSES[command.classUid] ?? 'query',
        origin,
      },
      { reply: true, timeout: settings.queryTimeout },
    );
    const { reply, outcome } = receipt;
    if (reply === undefined) {
      const comment =
        outcome === undefined ? 'no answer in time' : `the query was ${outcome.status}`;
      return { status: STATUS.outOfResources, comment, reason: comment, dataSets: [] };
    }
    const answers: unknown =
      reply.body.byteLength === 0 ? [] : JSON.parse(Buffer.from(reply.body).toString());
    return {
      status: STATUS.success,
      dataSets: listIn(answers).map((one) => identifierFrom(one, transferSyntax)),
    };
  } catch (error) {
    return { ...refusal(error), dataSets: [] };
  }
}

/** An array, the rows that `sql-out` answers (`{ count, rows }`), or one object alone. */
function listIn(answers: unknown): readonly unknown[] {
  if (Array.isArray(answers)) return answers;
  const isObject = typeof answers === 'object' && answers !== null;
  if (isObject && 'rows' in answers && Array.isArray(answers.rows)) return answers.rows;
  return [answers];
}

function refusal(error: unknown): Omit<QueryResults, 'dataSets'> {
  if (error instanceof SyntaxError) {
    const comment = 'the answer of the target is no JSON';
    return { status: STATUS.cannotUnderstand, comment, reason: comment };
  }
  const { code, message, retryable } =
    error instanceof EngineError ? error : { code: 'INTERNAL', message: '', retryable: true };
  const isOfAnswer = code === 'PATH_INVALID' || code === 'MESSAGE_INVALID';
  return {
    status: isOfAnswer || !retryable ? STATUS.cannotUnderstand : STATUS.outOfResources,
    // an attribute's name says nothing of a patient; a value would
    comment: isOfAnswer ? (message.split(':')[0] ?? code) : code,
    reason: isOfAnswer
      ? `the answer of the target cannot be used: ${message}${cut(message)}`
      : message,
  };
}

/** The longest name of a column in PostgreSQL; what is longer it cuts without a word. */
const LONGEST_NAME = 63;

function cut(message: string): string {
  const [name = ''] = message.split(': ');
  return name.length === LONGEST_NAME
    ? '. PostgreSQL cuts names of columns to 63 characters: write numbers, such as "00400100[1]/00400002"'
    : '';
}
