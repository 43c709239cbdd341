import { describeCases } from '../case_world.test.ts';

describeCases('intel_hit');
