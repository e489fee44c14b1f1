import { defineTransform } from 'waybill';

/**
 * The ward system shows one line a value. It wants units as UCUM writes them and the abnormal flag
 * spelled out, which no list of steps says as shortly as a few lines of code.
 */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['mg/dl', 'mg/dL'],
  ['mmol/l', 'mmol/L'],
  ['g/dl', 'g/dL'],
  ['u/l', 'U/L'],
]);

const FLAGS: ReadonlyMap<string, string> = new Map([
  ['H', 'above the reference range'],
  ['HH', 'critically high'],
  ['L', 'below the reference range'],
  ['LL', 'critically low'],
  ['A', 'abnormal'],
  ['AA', 'critically abnormal'],
]);

export default defineTransform(({ document }) => {
  document.set('MSH-3', 'WAYBILL');
  document.set('MSH-4', 'HUB');
  document.set('MSH-5', 'WARDSYS');
  for (let index = 1; document.has(`OBX[${index}]`); index++) {
    const unit = `OBX[${index}]-6.1`;
    const flag = `OBX[${index}]-8`;
    const ucum = UNITS.get(document.get(unit).toLowerCase());
    const words = FLAGS.get(document.get(flag));
    if (ucum !== undefined) document.set(unit, ucum);
    if (words !== undefined) document.set(flag, `${document.get(flag)} (${words})`);
  }
  return document;
});
