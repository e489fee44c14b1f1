export { objectDropService } from '../object-store/object-drop.ts';
export { ObjectLine, type OpenedStore } from '../object-store/object-line.ts';
export { putInParts, type Upload } from '../object-store/object-parts.ts';
export { objectDropSettings, objectPickupSettings } from '../object-store/object-settings.ts';
export { objectDropSteps, objectSteps } from '../object-store/object-steps.ts';
export {
  changedObject,
  type ObjectStore,
  type ObjectWriting,
  objectKey,
  objectPrefix,
  ofSize,
  takenName,
  unlessMissing,
  wholeSeconds,
} from '../object-store/object-store.ts';
