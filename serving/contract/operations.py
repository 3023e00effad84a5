"""The operations that a model's graph may have: what answering takes, and nothing that reaches out of the process.

An allow-list, so that what TensorFlow adds, or somebody registers, is refused until somebody has looked at it. Left
out are, beside every operation for training alone: files and their readers (ReadFile, WriteFile, ImmutableConst),
datasets, Python (PyFunc), the network and other processes (Send, Rpc, collectives), printing (PrintV2 writes to files
too), what ends or stalls a process (Abort, queues, barriers, mutexes), what compiles foreign programs (XlaCallModule),
decoders of compressed media, and memory that was never written (Empty). Names are those of TensorFlow 2.21.
"""

from collections.abc import Mapping
from types import MappingProxyType

ANY = "*"
"""In place of names: every operation is allowed."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARITHMETIC = _names(
    """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual Asin Asinh Atan Atan2 Atanh BesselI0
    BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc
    BitwiseAnd BitwiseOr BitwiseXor Ceil ClipByValue Complex ComplexAbs Conj Cos Cosh Cumprod Cumsum
    CumulativeLogsumexp Dawsn Dequantize Digamma Div DivNoNan Equal Erf Erfc Erfinv EuclideanNorm Exp Expint Expm1
    Floor FloorDiv FloorMod FresnelCos FresnelSin Greater GreaterEqual Igamma Igammac Imag Inv IsFinite IsInf IsNan
    LeftShift Less LessEqual Lgamma Log Log1p LogicalAnd LogicalNot LogicalOr Max Maximum Mean Min Minimum Mod Mul
    MulNoNan Ndtri Neg NextAfter NotEqual Polygamma PopulationCount Pow Prod Real RealDiv Reciprocal ReciprocalGrad
    RightShift Rint Round Rsqrt RsqrtGrad SeluGrad Sigmoid Sign Sin Sinh Spence Sqrt SqrtGrad Square
    SquaredDifference Sub Sum Tan Tanh ToBool TruncateDiv TruncateMod Xdivy Xlog1py Xlogy Zeta
    """
)
"""Numbers in, numbers out, element by element or summed up."""

ARRAYS = _names(
    """
    ApproxTopK ArgMax ArgMin BatchToSpace BatchToSpaceND Bincount Bitcast BroadcastArgs BroadcastGradientArgs
    BroadcastTo Bucketize Cast Concat ConcatOffset ConcatV2 ConjugateTranspose DepthToSpace DynamicPartition
    DynamicStitch ExpandDims Fill Gather GatherNd GatherV2 HistogramFixedWidth Invert InvertPermutation
    KthOrderStatistic LinSpace ListDiff LowerBound MirrorPad NthElement OneHot OnesLike Pack Pad PadV2
    ParallelDynamicStitch Range Rank Reshape Reverse ReverseSequence ReverseV2 Roll ScatterNd
    ScatterNdNonAliasingAdd SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2
    SegmentSum SegmentSumV2 Select SelectV2 Shape ShapeN Size Slice SpaceToBatch SpaceToBatchND SpaceToDepth Split
    SplitV Squeeze StridedSlice StridedSliceGrad TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub
    TensorScatterUpdate TensorStridedSliceUpdate Tile TopK TopKV2 Transpose Unique UniqueV2 UniqueWithCounts
    UniqueWithCountsV2 Unpack UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum UpperBound Where ZerosLike
    """
)
"""Elements chosen, moved, counted and repeated."""

LINEAR_ALGEBRA = _names(
    """
    BandedTriangularSolve BatchCholesky BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchMatrixBandPart
    BatchMatrixDeterminant BatchMatrixDiag BatchMatrixDiagPart BatchMatrixInverse BatchMatrixSetDiag
    BatchMatrixSolve BatchMatrixTriangularSolve Cholesky Cross Diag DiagPart Eig Einsum FFT FFT2D FFT3D FFTND IFFT
    IFFT2D IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND LogMatrixDeterminant Lu MatMul MatrixBandPart
    MatrixDeterminant MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
    MatrixExponential MatrixInverse MatrixLogarithm MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MatrixSolve
    MatrixSolveLs MatrixSquareRoot MatrixTriangularSolve Qr RFFT RFFT2D RFFT3D RFFTND SelfAdjointEig
    SelfAdjointEigV2 SparseMatMul Svd TridiagonalMatMul TridiagonalSolve
    """
)
"""Matrix products, decompositions and Fourier transforms."""

NEURAL_NETWORKS = _names(
    """
    AvgPool AvgPool3D AvgPoolGrad BatchNormWithGlobalNormalization BiasAdd BiasAddGrad BiasAddV1 BlockLSTMV2 Conv
    Conv2D Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D
    Conv3DBackpropInputV2 CudnnRNN CudnnRNNCanonicalToParams CudnnRNNCanonicalToParamsV2 CudnnRNNParamsSize
    CudnnRNNV2 CudnnRNNV3 DataFormatDimMap DataFormatVecPermute DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dilation2D Elu EluGrad FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FractionalAvgPool FractionalMaxPool FusedBatchNorm FusedBatchNormGradV3
    FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D GRUBlockCell InTopK InTopKV2 L2Loss LRN
    LSTMBlockCell LeakyRelu LeakyReluGrad LogSoftmax MaxPool MaxPool3D MaxPoolGrad MaxPoolV2 MaxPoolWithArgmax
    QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
    QuantizeDownAndShrinkRange QuantizeV2 Relu Relu6 Relu6Grad ReluGrad RequantizationRange
    RequantizationRangePerChannel Requantize RequantizePerChannel Selu SigmoidGrad Softmax
    SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign TanhGrad UniformDequantize UniformQuantize
    UniformQuantizedAdd UniformQuantizedClipByValue UniformQuantizedConvolution UniformQuantizedConvolutionHybrid
    UniformQuantizedDot UniformQuantizedDotHybrid UniformRequantize
    """
)
"""Layers' own operations; a few of their gradients, which some layers use forwards (Conv2DTranspose)."""

IMAGES = _names(
    """
    AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
    ExtractGlimpseV2 ExtractImagePatches ExtractVolumePatches HSVToRGB ImageProjectiveTransformV2
    ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3 NonMaxSuppressionV4
    NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea ResizeBicubic ResizeBilinear
    ResizeBilinearGrad ResizeNearestNeighbor ResizeNearestNeighborGrad ScaleAndTranslate
    """
)
"""Pixels that are tensors already. No decoder of image files: the gateway decodes, under limits on pixels."""

RANDOM = _names(
    """
    Multinomial ParameterizedTruncatedNormal RandomCrop RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle
    RandomStandardNormal RandomUniform RandomUniformInt SobolSample StatefulRandomBinomial StatefulStandardNormal
    StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
    StatelessMultinomial StatelessParameterizedTruncatedNormal StatelessRandomBinomial StatelessRandomGammaV2
    StatelessRandomGammaV3 StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomGetKeyCounterAlg
    StatelessRandomNormal StatelessRandomNormalV2 StatelessRandomPoisson StatelessRandomUniform
    StatelessRandomUniformFullInt StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal
    StatelessTruncatedNormalV2 TruncatedNormal
    """
)
"""Sampling layers, and dropout that was exported with them."""

STRINGS_AND_RECORDS = _names(
    """
    AsString DecodeBase64 DecodeCSV DecodePaddedRaw DecodeRaw EditDistance EncodeBase64 Fingerprint ParseExample
    ParseExampleV2 ParseSequenceExample ParseSequenceExampleV2 ParseSingleExample ParseSingleSequenceExample
    ReduceJoin RegexFullMatch RegexReplace ShardedFilename StaticRegexFullMatch StaticRegexReplace StringFormat
    StringJoin StringLength StringLower StringNGrams StringSplit StringSplitV2 StringStrip StringToHashBucket
    StringToHashBucketFast StringToHashBucketStrong StringToNumber StringUpper Substr UnicodeDecode
    UnicodeDecodeWithOffsets UnicodeEncode UnicodeScript UnicodeTranscode UnsortedSegmentJoin
    """
)
"""Texts and tf.Example records: what TextVectorization and the signatures classify and regress are made of."""

SPARSE_AND_RAGGED = _names(
    """
    CTCBeamSearchDecoder CTCGreedyDecoder DenseBincount DenseToDenseSetOperation DenseToSparseSetOperation
    RaggedBincount RaggedCountSparseOutput RaggedCross RaggedFillEmptyRows RaggedGather RaggedRange
    RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant SetSize SparseAdd
    SparseBincount SparseConcat SparseCountSparseOutput SparseCross SparseCrossHashed SparseCrossV2
    SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul SparseFillEmptyRows SparseReduceMax
    SparseReduceMaxSparse SparseReduceSum SparseReduceSumSparse SparseReorder SparseReshape SparseSegmentMean
    SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments SparseSegmentSum
    SparseSegmentSumWithNumSegments SparseSlice SparseSoftmax SparseSoftmaxCrossEntropyWithLogits
    SparseSparseMaximum SparseSparseMinimum SparseSplit SparseTensorDenseAdd SparseTensorDenseMatMul SparseToDense
    SparseToSparseSetOperation
    """
)
"""Rows of different lengths. No variants from bytes (DeserializeSparse): those would be objects made of input."""

TABLES = _names(
    """
    AnonymousHashTable AnonymousMutableDenseHashTable AnonymousMutableHashTable AnonymousMutableHashTableOfTensors
    HashTableV2 InitializeTableV2 LookupTableExportV2 LookupTableFindV2 LookupTableImportV2 LookupTableInsertV2
    LookupTableRemoveV2 LookupTableSizeV2 MutableDenseHashTableV2 MutableHashTableOfTensorsV2 MutableHashTableV2
    """
)
"""Vocabularies in memory; one that is filled from a file is under READING."""

STATE = _names(
    """
    AssignAddVariableOp AssignSubVariableOp AssignVariableOp DisableCopyOnRead EmptyTensorList ReadVariableOp
    ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin
    ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdMax ResourceScatterNdMin ResourceScatterNdSub
    ResourceScatterNdUpdate ResourceScatterSub ResourceScatterUpdate ResourceStridedSliceAssign RngReadAndSkip
    RngSkip TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3 TensorArrayScatterV3
    TensorArraySizeV3 TensorArraySplitV3 TensorArrayV3 TensorArrayWriteV3 TensorListConcat TensorListConcatLists
    TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize
    TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
    TensorListStack VarHandleOp VarIsInitializedOp VariableShape
    """
)
"""Variables, which a SavedModel keeps its weights in, and the lists that recurrent layers go through."""

CONTROL_FLOW = _names(
    """
    Assert Case CheckNumerics CheckNumericsV2 Const ControlTrigger EnsureShape Enter Exit GuaranteeConst Identity
    IdentityN If LoopCond Merge NextIteration NoOp PartitionedCall Placeholder PlaceholderV2 PlaceholderWithDefault
    PreventGradient StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile StopGradient Switch While
    """
)
"""Constants, inputs, branches, loops and calls of the graph's own functions, which are held to the same list."""

WRITING = frozenset({"SaveV2", "MergeV2Checkpoints"})
"""Files, written by the part of the graph that would save its variables. Serving never runs it: allowed in it alone."""

READING: Mapping[str, int] = MappingProxyType({"RestoreV2": 0, "InitializeTableFromTextFileV2": 1})
"""Files, read while a version is loaded, with the input that names the file. Allowed where loading alone runs them and
the name is one that the loader gives: the version's own variables, or one of its assets.
"""

ALLOWED = frozenset().union(
    ARITHMETIC,
    ARRAYS,
    LINEAR_ALGEBRA,
    NEURAL_NETWORKS,
    IMAGES,
    RANDOM,
    STRINGS_AND_RECORDS,
    SPARSE_AND_RAGGED,
    TABLES,
    STATE,
    CONTROL_FLOW,
)
"""Allowed anywhere."""
