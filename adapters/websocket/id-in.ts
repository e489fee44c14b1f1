import { EngineError, inlineBody, type setting } from 'waybill/adapter';

const NOBODY = { id: 0, sessionId: 0, source: '', target: '', created: 0, received: 0 };

/** The id in the body of a message or an answer; undefined if it has none, or is not as the expression expects. */
export async function idIn(
  expression: setting.MessageExpression,
  body: Buffer,
  type: string,
): Promise<string | undefined> {
  try {
    const message = { ...NOBODY, type, size: body.length, body: inlineBody(body) };
    return String(await expression.evaluate(message)) || undefined;
  } catch (error) {
    // of text that is no JSON, for example
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
