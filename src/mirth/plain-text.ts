/** The text of whatever a script gives: of XML its value, of anything else what JavaScript makes of it. */
export const plainTextOf: (value: unknown) => string = String;
