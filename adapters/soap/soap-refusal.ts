import { EngineError } from 'waybill/adapter';
import { SecurityProblem } from 'waybill/document';
import { type HttpReply, Refusal, refusalOf } from 'waybill/peer/http-server';
import { type MadeFault, securityCode } from './make-fault.ts';

/** A call that is answered with a fault. */
export class SoapRefusal extends EngineError {
  readonly fault: MadeFault;
  /** For operators: why it was refused. Undefined if it only concerns the caller. */
  readonly told: string | undefined;
  readonly headers: HttpReply['headers'];

  constructor(
    fault: MadeFault,
    {
      told,
      headers = {},
    }: { readonly told?: string | undefined; readonly headers?: HttpReply['headers'] } = {},
  ) {
    super(fault.code === 'Receiver' ? 'QUEUE_UNAVAILABLE' : 'MESSAGE_INVALID', fault.reason);
    this.fault = fault;
    this.told = told;
    this.headers = headers;
  }
}

/** What a caller is told about an error: never the text of the engine's own errors, which is for operators. */
export function soapRefusalOf(error: unknown): SoapRefusal {
  if (error instanceof SoapRefusal) return error;
  if (error instanceof SecurityProblem) return refusedSecurity(error);
  if (error instanceof EngineError && error.code === 'DOCUMENT_UNREADABLE') {
    const reason = error.message.replace('The body cannot be read', 'The message cannot be read');
    return new SoapRefusal(
      { code: 'Sender', reason },
      { told: 'its message is no usable envelope' },
    );
  }
  const { status, message, headers, told } = refusalOf(error);
  const code = status >= 500 ? 'Receiver' : 'Sender';
  return new SoapRefusal(
    { code, reason: message },
    { told, headers: headers as HttpReply['headers'] },
  );
}

function refusedSecurity({ fault, message }: SecurityProblem): SoapRefusal {
  const reason = `Not accepted: ${message}.`;
  return new SoapRefusal(
    { code: 'Sender', subcode: securityCode(fault), reason },
    { told: message },
  );
}

/** The status of a refusal that HTTP itself decides: a sign-in, a size, a method. */
export const statusOf = (error: unknown): number | undefined =>
  error instanceof Refusal && error.status < 500 ? error.status : undefined;
