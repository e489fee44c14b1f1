/** The text of whatever a script returns: the value of XML, the JavaScript string of anything else. */
export const plainTextOf: (value: unknown) => string = String;
