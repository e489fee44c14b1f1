import { readPlace, readValue, type StepKind } from './step-reader.ts';

/** `{ set: PV1-3.1, to: EXPRESSION }` or `{ set: MSH-3, value: WAYBILL }`: writes a value. */
export const setStep: StepKind = {
  keys: ['set', 'to', 'value'],
  read(given, { kind }) {
    const place = readPlace(given.at('set'), { kind });
    const [to, literal] = [given.at('to'), given.at('value')];
    if (to.isAbsent === literal.isAbsent) {
      given.wrong('set needs either to: with an expression, or value: with a text as it is.');
      return undefined;
    }
    if (!literal.isAbsent) {
      const text = String(literal.value);
      return place === undefined ? undefined : (work) => work.target.set(place(work), text);
    }
    const value = readValue(to, 'to');
    if (place === undefined || value === undefined) return undefined;
    return (work) => work.target.set(place(work), value(work.scope));
  },
};
