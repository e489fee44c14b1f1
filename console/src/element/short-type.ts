/** `HL7v2:ADT_A01:2.5.1` → `ADT_A01`, `X12:837P:005010X222A1` → `X12 837P 005010X222A1`; a media type stays as it is, except that of DICOM. */
export function shortType(type: string): string {
  const [standard = '', ...parts] = type.split(':');
  if (type === 'application/dicom') return 'DICOM';
  if (standard === 'HL7v2') return parts[0] ?? type;
  return standard === 'X12' || standard === 'EDIFACT' ? [standard, ...parts].join(' ') : type;
}
