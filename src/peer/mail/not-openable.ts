/** A part that holds others and cannot be opened. The text says why, as what follows "an attachment". */
export class NotOpenable extends Error {}
