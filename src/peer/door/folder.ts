export { dropFile } from '../folder/drop.ts';
export { type DropServiceLent, dropService } from '../folder/drop-service.ts';
export { type DropSettings, type DropValues, dropSettings } from '../folder/drop-settings.ts';
export { fileMode } from '../folder/file-mode.ts';
export { checkFileName, numbered } from '../folder/file-name.ts';
export { filePattern, isMeant } from '../folder/file-pattern.ts';
export {
  type FileEntry,
  FileError,
  type FileFacts,
  type FileProblem,
  type FileStore,
  inFolder,
  isFileProblem,
} from '../folder/file-store.ts';
export { fileType } from '../folder/file-type.ts';
export { dropSteps, pickupSteps } from '../folder/folder-steps.ts';
export type { FolderTemplate } from '../folder/folder-template.ts';
export { type Pickup, pickup } from '../folder/pickup.ts';
export { type PickupServiceLent, pickupService } from '../folder/pickup-service.ts';
export {
  linkSettings,
  type PickupSettings,
  type PickupValues,
  pickupSettings,
} from '../folder/pickup-settings.ts';
export { hasSameBytes } from '../folder/same-bytes.ts';
export { connectFirst, type StoreLine } from '../folder/store-line.ts';
export { tryWriting } from '../folder/try-writing.ts';
