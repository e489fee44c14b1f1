/**
 * Every code an EngineError may carry, with what it means and what to do. The codes are part of the
 * public interface: docs/errors.md is compared with this table by a test.
 */
export const ERROR_CODES = {
  CONFIG_INVALID:
    'The production or a settings block is wrong. Correct the places it names; nothing was started.',
  CONFIG_CHANGED:
    'The files of the production changed after they were shown. Nothing was applied; review the difference again.',
  MESSAGES_WAITING:
    'Messages wait for a host that would be removed from the production. Nothing was applied; let them be sent first, or confirm that they stay.',
  ADAPTER_NOT_CONNECTED:
    'The connection to the peer is lost. The engine opens it again and retries; check the peer if this lasts.',
  ADAPTER_TEMPORARY: 'The peer could not accept the message now. It is retried automatically.',
  ADAPTER_REJECTED:
    'The peer understood the message and refused it. Correct the message or the peer, then resend.',
  ADAPTER_SUSPEND: 'The message waits for a person: edit, resend or discard it.',
  ADAPTER_DISABLED:
    'The operation was stopped with the message back at the head of its queue. Correct the cause, then start it.',
  MESSAGE_INVALID:
    'A message violates the rules of its type. The text names the segment and field.',
  MESSAGE_TOO_LARGE:
    'A message is larger than the limit of this host. Raise the limit or ask the sender to split it.',
  DOCUMENT_UNREADABLE: 'A body could not be read as its type. The text gives the position.',
  PATH_INVALID: 'A path is not valid for its kind of document.',
  EXPRESSION_FAILED: 'An expression failed on this message. The text names the expression.',
  LOOKUP_UNAVAILABLE:
    'A lookup table that is loaded from outside the files has no rows yet, or only ones that are too old. Retrying helps once its source answers: see its events.',
  EXPRESSION_TOO_COSTLY:
    'An expression, path or pattern would take too long on this message: other messages would wait for it. The message is suspended; make the expression simpler or the message smaller.',
  TRANSFORM_FAILED: 'A transform failed on this message. The text names the step.',
  PROCESS_FAILED: 'The code of a business process threw. The message is suspended.',
  PROCESS_STUCK:
    'The engine got stuck in the code of a process and was restarted. The message is suspended; look for an endless loop, then resend it.',
  PROCESS_DIED:
    'The process of the engine ended several times in the code of a process, and was started again. The message is suspended; look for what takes all the memory or ends the process, then resend it.',
  MESSAGE_LOOPS:
    'Hosts send a message to each other in a circle: it was sent on more often than `hopLimit` allows, and is suspended. Break the circle, then resend or discard it.',
  PROCESS_DIVERGED:
    'A durable process took a different path when it ran again. The message is suspended; make the process deterministic.',
  ENGINE_FAULT:
    'Waybill itself failed on this message, several times. The message is suspended; the event `unexpected-error` has the place. Resend it once the cause is fixed.',
  REHEARSAL_STUCK:
    'A trial of the files on a message did not end or took too much memory. Nothing was sent and nothing running was affected; look for an endless loop in the code that the message goes through.',
  REHEARSAL_BUSY:
    'Others are trying messages with the files right now. Nothing is wrong; try again when they are done.',
  REHEARSAL_UNKNOWN:
    'An engine is asked to go on with a trial of edited files that it does not know, because another engine began it or it was idle. The operator plane sends the files again by itself.',
  REPLY_UNEXPECTED:
    'According to the operation’s reply rules, the peer’s answer needs a person’s decision.',
  REPLY_TIMEOUT: 'Nobody answered in time. It may have been delivered; the operation continues.',
  QUEUE_UNAVAILABLE:
    'The message could not be stored. The sender was told to try again; check NATS and its disk.',
  QUEUE_FULL:
    'A queue has reached its limit. The sender was told to try again; start or repair the target.',
  MESSAGE_LOST:
    'A queue came back without this message, after a power failure or with a damaged disk. Its body is in the trace: resend it if its receiver does not have it.',
  BROKER_UNAVAILABLE: 'NATS cannot be reached or started. The text says which; it is retried.',
  ALREADY_RUNNING:
    'Another process runs on the same data folder, or runs a production that should be forgotten. The text names it; stop it first, or give another folder.',
  CREDENTIAL_MISSING: 'A credential or a value it needs is missing. The text names it.',
  CREDENTIAL_REFUSED: 'A token or sign-in was refused. The text says which check failed.',
  CREDENTIAL_UNAVAILABLE:
    'A token server cannot be reached, is busy or gives unusable answers. It is retried automatically; a token that is still valid remains in use.',
  TLS_REFUSED:
    'A TLS handshake failed. The text names the cause: chain, name, expiry or certificate.',
  HOST_UNKNOWN: 'There is no host of that name in the production.',
  QUERY_INVALID: 'A query to the trace is not well-formed. The text says which part.',
  NOT_FOUND: 'There is no message, session or file with that id.',
  LIST_OUTDATED:
    'Somebody else, or another job, has acted on messages since they were shown. Look at what was done, then decide again.',
  ORDER_UNCERTAIN:
    'An order was started, and it is not known whether it was carried out. Check the message before giving it again.',
  STORE_UNAVAILABLE:
    'The trace store cannot be read or written. Messages keep flowing; the trace catches up.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
