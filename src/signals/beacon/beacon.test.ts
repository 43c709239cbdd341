import { describeCases } from '../case_world.test.ts';

describeCases('beacon');
