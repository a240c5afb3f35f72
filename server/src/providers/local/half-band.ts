/** The filter that the benchmark of the speech models takes from here; it lives with the other audio code. */
export { downsampleByTwo, upsampleByTwo } from '../../audio/half-band.ts';
