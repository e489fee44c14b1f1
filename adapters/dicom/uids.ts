/** The application context of every association (DICOM PS3.7 A.2.1). */
export const APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1';
/** C-ECHO (PS3.4 A.4). */
export const VERIFICATION = '1.2.840.10008.1.1';

/** Classes of C-FIND queries (PS3.4 C.6, K.6), by the name of the query in the trace. */
export const QUERY_CLASS = {
  worklist: '1.2.840.10008.5.1.4.31',
  patients: '1.2.840.10008.5.1.4.1.2.1.1',
  studies: '1.2.840.10008.5.1.4.1.2.2.1',
} as const;
export const QUERY_CLASSES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(QUERY_CLASS).map(([name, uid]) => [uid, name]),
);

export const IMPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2';
export const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';

/** The names of common classes and encodings, for texts. Others are shown as their numbers. */
const NAMES: Readonly<Record<string, string>> = {
  [VERIFICATION]: 'Verification',
  [QUERY_CLASS.worklist]: 'Modality Worklist',
  [QUERY_CLASS.patients]: 'Patient Root Query',
  [QUERY_CLASS.studies]: 'Study Root Query',
  [IMPLICIT_LITTLE_ENDIAN]: 'Implicit VR Little Endian',
  [EXPLICIT_LITTLE_ENDIAN]: 'Explicit VR Little Endian',
  '1.2.840.10008.1.2.1.99': 'Deflated Explicit VR Little Endian',
  '1.2.840.10008.1.2.2': 'Explicit VR Big Endian',
  '1.2.840.10008.1.2.4.50': 'JPEG Baseline',
  '1.2.840.10008.1.2.4.51': 'JPEG Extended',
  '1.2.840.10008.1.2.4.57': 'JPEG Lossless',
  '1.2.840.10008.1.2.4.70': 'JPEG Lossless SV1',
  '1.2.840.10008.1.2.4.80': 'JPEG-LS Lossless',
  '1.2.840.10008.1.2.4.90': 'JPEG 2000 Lossless',
  '1.2.840.10008.1.2.4.91': 'JPEG 2000',
  '1.2.840.10008.1.2.4.102': 'MPEG-4 AVC/H.264',
  '1.2.840.10008.1.2.5': 'RLE Lossless',
  '1.2.840.10008.5.1.4.1.1.1': 'Computed Radiography Image',
  '1.2.840.10008.5.1.4.1.1.1.1': 'Digital X-Ray Image',
  '1.2.840.10008.5.1.4.1.1.1.2': 'Digital Mammography X-Ray Image',
  '1.2.840.10008.5.1.4.1.1.2': 'CT Image',
  '1.2.840.10008.5.1.4.1.1.2.1': 'Enhanced CT Image',
  '1.2.840.10008.5.1.4.1.1.4': 'MR Image',
  '1.2.840.10008.5.1.4.1.1.4.1': 'Enhanced MR Image',
  '1.2.840.10008.5.1.4.1.1.6.1': 'Ultrasound Image',
  '1.2.840.10008.5.1.4.1.1.3.1': 'Ultrasound Multi-frame Image',
  '1.2.840.10008.5.1.4.1.1.7': 'Secondary Capture Image',
  '1.2.840.10008.5.1.4.1.1.12.1': 'X-Ray Angiographic Image',
  '1.2.840.10008.5.1.4.1.1.20': 'Nuclear Medicine Image',
  '1.2.840.10008.5.1.4.1.1.77.1.1.1': 'Video Endoscopic Image',
  '1.2.840.10008.5.1.4.1.1.88.11': 'Basic Text SR',
  '1.2.840.10008.5.1.4.1.1.88.22': 'Enhanced SR',
  '1.2.840.10008.5.1.4.1.1.88.33': 'Comprehensive SR',
  '1.2.840.10008.5.1.4.1.1.88.67': 'X-Ray Radiation Dose SR',
  '1.2.840.10008.5.1.4.1.1.104.1': 'Encapsulated PDF',
  '1.2.840.10008.5.1.4.1.1.128': 'PET Image',
  '1.2.840.10008.5.1.4.1.1.481.1': 'RT Image',
  '1.2.840.10008.5.1.4.1.1.481.3': 'RT Structure Set',
  '1.2.840.10008.5.1.4.1.1.481.5': 'RT Plan',
};

/** A name with its number, or the number alone. */
export function uidText(uid: string): string {
  const name = NAMES[uid];
  return name === undefined ? uid : `${name} (${uid})`;
}

/** Whether objects of a class are stored (PS3.4 B.5): images, reports, waveforms, plans … */
export function isStorageClass(uid: string): boolean {
  return (
    uid.startsWith('1.2.840.10008.5.1.4.1.1.') ||
    uid.startsWith('1.2.840.10008.5.1.4.34.') ||
    uid.startsWith('1.2.840.10008.5.1.4.43.') ||
    uid.startsWith('1.2.840.10008.5.1.4.44.') ||
    uid.startsWith('1.2.840.10008.5.1.4.45.')
  );
}
