"""The detectors: recurrent models, the frame classifier, and the network fine-tuned on pixels."""
