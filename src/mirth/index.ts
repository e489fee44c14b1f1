/** What channels from Mirth Connect run on: `import { channel } from 'waybill/mirth'`. */
import {
  add,
  areEqual,
  each,
  literal,
  qualifiedName,
  setDefaultNamespace,
  typeOf,
  where,
} from './e4x/xml.ts';

export { ACKGenerator } from './acknowledgement.ts';
export { passOn } from './blocking.ts';
export { channel } from './channel.ts';
export type { Channel, Destination, Stage } from './channel-definition.ts';
export { DatabaseConnectionFactory, quoted, sqlStatement, unescaped } from './database.ts';
export { DateUtil } from './date-format.ts';
export { FileUtil, HashUtil } from './java/codec.ts';
export { Lists, Maps } from './java/collections.ts';
export { com, java, javaString, org, UUIDGenerator } from './java/index.ts';
export {
  ERROR,
  FILTERED,
  PENDING,
  QUEUED,
  RECEIVED,
  Response,
  ResponseFactory,
  SENT,
  Status,
  TRANSFORMED,
} from './response.ts';
export * from './scope.ts';
export { scriptReader } from './script-reader.ts';
export { JsonUtil, SerializerFactory, XmlUtil } from './serializers.ts';

/** What replaces the E4X syntax that JavaScript no longer has. */
export const e4x = {
  add,
  defaultNamespace: setDefaultNamespace,
  each,
  equal: areEqual,
  qualifiedName,
  typeOf,
  where,
  xml: literal,
};

/** Keeps a module from being loaded until a person has done what is listed; `waybill check` says so. */
export function todo(places: readonly string[]): never {
  throw new Error(`to be done by a person: ${places.join('; ')}`);
}
