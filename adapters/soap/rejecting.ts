import { EngineError, RejectedError } from 'waybill/adapter';

/** A body that is no usable XML will not become it by a retry. */
export function rejecting<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new RejectedError(
      `${error.message} Have a transform make XML of it, or a whole envelope.`,
      { cause: error },
    );
  }
}
