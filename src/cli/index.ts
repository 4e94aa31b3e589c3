#!/usr/bin/env node
import { refuseUnsupported } from '../support/supported.js';

refuseUnsupported();
void import('./program.js');
