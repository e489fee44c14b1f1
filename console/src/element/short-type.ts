/** `HL7v2:ADT_A01:2.5.1` → `ADT_A01`; a media type stays as it is. */
export function shortType(type: string): string {
  return type.startsWith('HL7v2:') ? (type.split(':')[1] ?? type) : type;
}
