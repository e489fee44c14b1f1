/** What a production's transforms and processes import: `import { defineTransform } from 'waybill'`. */
export type { Document } from './document/document.ts';
export { readFhir, writeFhir } from './document/fhir/typed-resource.ts';
export { TemporaryError } from './error/adapter-error.ts';
export type {
  TokenClaims,
  TokenKeys,
  TokenSigning,
  TokenVerifying,
} from './expression/token-keys.ts';
export {
  type CallAnswer,
  type CallOptions,
  type CodeTime,
  defineProcess,
  type ProcessBody,
  type ProcessCode,
  type ProcessContext,
  type ProcessMessage,
  type ProcessReply,
  type ReceiveOptions,
  type SharedState,
  type StateOptions,
} from './flow/process-code.ts';
export { callerOf, type LaunchOfCaller, type MessageCaller } from './message/caller.ts';
export type { Envelope, Message, Reply } from './message/message.ts';
export {
  defineTransform,
  type MadeMessage,
  type MadeMessages,
  type TransformFunction,
} from './transform/define-transform.ts';
export type { TransformInput } from './transform/transform.ts';
